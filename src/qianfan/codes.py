"""The platform's error codes as one table of facts, for client and local platform alike.

Sources: the platform's error code page and what its SDKs publish. `message` is the platform's own
wording where it is documented, else a short one of ours; `hint` says, in both languages of our
users, what to do next.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a code means for the caller."""

    SERVER = "server"  # the service failed
    BUSY = "busy"  # a rate limit or overload
    QUOTA = "quota"  # a daily or total quota, a bill: waiting seconds does not cure it
    TOKEN = "token"  # noqa: S105  # no password: the access token is invalid or old: a new one cures it
    AUTH = "auth"  # the credentials or their permissions are wrong
    REQUEST = "request"  # the request is wrong


class Code(NamedTuple):
    """One error code: its number (v2: its name), kind, wording, and whether the same request may succeed later."""

    number: int | str
    kind: Kind
    message: str
    hint: str = ""
    retryable: bool = False


_WAIT = "请稍后重试，或降低并发、设置 query_per_second= (slow down: fewer calls at once, or set query_per_second=)"
_WAIT_A_MINUTE = (
    "请稍后重试，或设置 request_per_minute= 或 token_per_minute= "
    "(slow down, or set request_per_minute= or token_per_minute=)"
)
_AGAIN = "平台暂时故障，稍后重试 (a fault of the service; try again later)"
_KEYS = "请检查应用的 API Key/Secret Key 及其权限 (check the application's API Key and Secret Key)"
_RENEW = (
    "令牌失效：换用新的 access_token，或改传 ak 与 sk 由 SDK 换取 "
    "(the token is refused: pass a new access_token=, or ak= and sk= so that the SDK fetches one)"
)
_MESSAGES = (
    "messages 须为奇数条，user 与 assistant 交替，首尾均为 user；人设请用 system= "
    "(messages: an odd count, user and assistant in turn, first and last from the user; a persona goes in system=)"
)
_FIELDS = "请对照该模型的文档检查参数 (check the parameters against the model's documentation)"

_CODES = (
    Code(1, Kind.SERVER, "Unknown error", _AGAIN, retryable=True),
    Code(2, Kind.SERVER, "Service temporarily unavailable", _AGAIN, retryable=True),
    Code(
        3,
        Kind.REQUEST,
        "Unsupported openapi method",
        "该地址没有对应的模型服务，请检查 model= 或 endpoint= (no service at this URL; check model= or endpoint=)",
    ),
    Code(4, Kind.BUSY, "Open api request limit reached", _WAIT, retryable=True),
    Code(
        6,
        Kind.AUTH,
        "No permission to access data",
        "应用未开通该服务，或自定义服务未发布 (the application may not use this service, or it is not published)",
    ),
    Code(13, Kind.AUTH, "Get service token failed", _KEYS),
    Code(14, Kind.AUTH, "IAM Certification failed", _KEYS),
    Code(15, Kind.SERVER, "app not exists or create failed", _AGAIN, retryable=True),
    Code(
        17,
        Kind.QUOTA,
        "Open api daily request limit reached",
        "请在控制台开通计费、充值或明日再试 (open billing in the console, top up, or wait until tomorrow)",
    ),
    Code(18, Kind.BUSY, "Open api qps request limit reached", _WAIT, retryable=True),
    Code(
        19,
        Kind.QUOTA,
        "Open api total request limit reached",
        "免费额度已用完，请在控制台开通计费 (the free quota is used up; open billing in the console)",
    ),
    Code(100, Kind.AUTH, "Invalid parameter", "access_token 格式不正确 (the access_token is malformed)"),
    Code(110, Kind.TOKEN, "Access token invalid or no longer valid", _RENEW),
    Code(111, Kind.TOKEN, "Access token expired", _RENEW),
    Code(200, Kind.SERVER, "Internal error", _AGAIN),
    Code(336000, Kind.SERVER, "Internal error", _AGAIN, retryable=True),
    Code(336001, Kind.REQUEST, "Invalid Argument", _FIELDS),
    Code(336002, Kind.REQUEST, "Invalid JSON", "请求体不是合法的 JSON (the body is not valid JSON)"),
    Code(336003, Kind.REQUEST, "Invalid param", _FIELDS),
    Code(336004, Kind.AUTH, "Permission error", _KEYS),
    Code(336005, Kind.REQUEST, "API name not exist", "请检查 endpoint= (check endpoint=)"),
    Code(336006, Kind.REQUEST, "the length of messages must be an odd number", _MESSAGES),
    Code(
        336007,
        Kind.REQUEST,
        "the input content is too long",
        "请缩短 messages 或 system，或换用上下文更长的模型 (shorten the input or take a model with a longer context)",
    ),
    Code(336008, Kind.REQUEST, "bad request", _FIELDS),
    Code(336100, Kind.BUSY, "Server high load, please try again later", _WAIT, retryable=True),
    Code(336101, Kind.REQUEST, "Invalid HTTP method", "只接受 POST (only POST is accepted)"),
    Code(336102, Kind.REQUEST, "bad request", _FIELDS),
    Code(
        336103,
        Kind.REQUEST,
        "Prompt tokens too long",
        "请缩短输入，或换用上下文更长的模型 (shorten the input or take a model with a longer context)",
    ),
    Code(
        336104,
        Kind.REQUEST,
        "Invalid argument: system",
        "请检查 system= 的内容与长度 (check system= and its length)",
    ),
    Code(336105, Kind.REQUEST, "Invalid argument: user_setting", "请改用 system= (use system= instead)"),
    Code(336200, Kind.SERVER, "Internal error", _AGAIN),
    Code(336303, Kind.REQUEST, "bad request: functions", "请检查 functions= 的定义 (check functions=)"),
    Code(336501, Kind.BUSY, "Rate limit reached for RPM", _WAIT_A_MINUTE, retryable=True),
    Code(336502, Kind.BUSY, "Rate limit reached for TPM", _WAIT_A_MINUTE, retryable=True),
    Code(337006, Kind.REQUEST, "bad request", _FIELDS),
    Code(500000, Kind.SERVER, "internal server error", _AGAIN, retryable=True),
    Code(500001, Kind.REQUEST, "param invalid", _FIELDS),
    Code(
        500002,
        Kind.AUTH,
        "auth failed, no access",
        "请检查 Access Key 所属账号及其权限 (check the account of the Access Key and its permissions)",
    ),
    Code(
        510101,
        Kind.REQUEST,
        "dataset entity count not enough, at least 32",
        "训练集至少需要 32 条样本，请补充数据 (add samples: a training set has at least 32)",
    ),
    Code(
        510102,
        Kind.REQUEST,
        "dataset config error",
        "请检查 trainset 中的 type 与 id，数据集须已存在并发布 "
        "(check type and id in trainset; the dataset must exist and be published)",
    ),
    Code(
        510201, Kind.REQUEST, "task name exist", "任务名称已存在，请换一个 (take another name for the task)"
    ),
    Code(
        510202, Kind.REQUEST, "task not exist", "请检查 taskId 及其所属账号 (check taskId, and whose it is)"
    ),
    Code(
        510203,
        Kind.QUOTA,
        "task count over limit",
        "任务数量已达上限，请先删除不用的任务 (delete tasks that are no longer needed)",
    ),
    Code(
        510301,
        Kind.REQUEST,
        "job not exist",
        "请检查 jobId 及其所属的 taskId (check jobId, and that it belongs to taskId)",
    ),
    Code(
        510302,
        Kind.REQUEST,
        "job status invalid",
        "只有运行中的任务可以停止，只有 FINISH 的任务可以发布；请先查看 trainStatus "
        "(only a running job can be stopped, only a finished one published; look at trainStatus first)",
    ),
    Code(
        510401,
        Kind.REQUEST,
        "train config error",
        "请对照所选 trainType 的文档检查 trainConfig 的取值范围 "
        "(check the ranges of trainConfig for this trainType in the documentation)",
    ),
    Code(
        510402,
        Kind.QUOTA,
        "job training count over limit",
        "已有任务在训练，请等待其结束或先停止 (wait until the running job ends, or stop it)",
    ),
    Code(510403, Kind.QUOTA, "charge quote not enough", "余额不足，请在控制台充值 (top up in the console)"),
    Code(
        510404,
        Kind.REQUEST,
        "job not support incre train",
        "增量训练的基础任务须以 peftType=ALL 训练 (the job to go on from must have peftType ALL)",
    ),
    Code(4224001, Kind.SERVER, "system error", _AGAIN),
    Code(4224002, Kind.REQUEST, "parameter error", _FIELDS),
    Code(4224003, Kind.AUTH, "no permission", _KEYS),
    Code(4224004, Kind.REQUEST, "parameter error", _FIELDS),
    Code(
        4224005,
        Kind.REQUEST,
        "state does not allow",
        "请在控制台查看插件应用的状态 (look at the plugin application's state in the console)",
    ),
    Code(
        4224006,
        Kind.SERVER,
        "being created",
        "插件应用正在创建，稍后重试 (the plugin application is being created; try again later)",
    ),
)

_BEARER = (
    "请检查 api_key=（bce-v3/…）是否完整、未被停用；用 access_key 与 secret_key 时由 SDK 换取 "
    "(check that api_key=, bce-v3/…, is whole and not disabled; with access_key= and secret_key= the SDK exchanges them)"
)
_IMAGE = (
    "请检查 image_url，平台须能读到这张图片 (check image_url: the platform must be able to read the image)"
)
_SHORTER = "请缩短输入，或换用上下文更长的模型 (shorten the input or take a model with a longer context)"

#: Of v2, where codes are words and come with an HTTP status.
_NAMES = (
    Code(
        "malformed_json",
        Kind.REQUEST,
        "Invalid Argument",
        "请求体不是合法的 JSON (the body is not valid JSON)",
    ),
    Code(
        "invalid_model",
        Kind.REQUEST,
        "No permission to use the model",
        "请检查 model=，或在控制台开通该模型；client.models.list() 列出可用的模型 "
        "(check model=, or open the model in the console; client.models.list() lists what you may use)",
    ),
    Code(
        "invalid_messages",
        Kind.REQUEST,
        "Invalid messages",
        "请检查 messages 的角色、顺序与内容 (check the roles, order and contents of messages)",
    ),
    Code("characters_too_long", Kind.REQUEST, "the max input characters is exceeded", _SHORTER),
    Code("tokens_too_long", Kind.REQUEST, "Prompt tokens too long", _SHORTER),
    Code("invalid_argument", Kind.REQUEST, "Invalid Argument", _FIELDS),
    Code(
        "invalid_image_genration_prompt",  # spelt as the platform does, here and below
        Kind.REQUEST,
        "Invalid prompt for an image",
        "请检查 prompt= 的长度与内容 (check prompt=, its length and content)",
    ),
    Code(
        "invalid_image_genration_refer_image",
        Kind.REQUEST,
        "Invalid reference image",
        "请检查 refer_image= (check refer_image=)",
    ),
    Code("invalid_image_url", Kind.REQUEST, "Invalid image_url", _IMAGE),
    Code("image_url_unsafe", Kind.REQUEST, "The image is judged unsafe", "请换一张图片 (take another image)"),
    Code("invalid_plugin_argument", Kind.REQUEST, "Invalid argument of a plugin", _FIELDS),
    Code(
        "no_parameter_permission",
        Kind.AUTH,
        "No permission to use the parameter",
        "该账号或模型不能使用此参数 (this account or model may not use the parameter)",
    ),
    Code(
        "invalid_appid",
        Kind.AUTH,
        "No permission to use the appid",
        "请检查 app_id=（app-…）及其与密钥是否属于同一账号 (check app_id=, app-…, and that the key is of the same account)",
    ),
    Code("invalid_iam_token", Kind.AUTH, "IAM Certification failed", _BEARER),
    Code("rpm_rate_limit_exceeded", Kind.BUSY, "Rate limit reached for RPM", _WAIT_A_MINUTE, retryable=True),
    Code("tpm_rate_limit_exceeded", Kind.BUSY, "Rate limit reached for TPM", _WAIT_A_MINUTE, retryable=True),
    Code("internal_error", Kind.SERVER, "Internal error", _AGAIN, retryable=True),
)

CODES: dict[int | str, Code] = {code.number: code for code in (*_CODES, *_NAMES)}

#: The numbers that are tried again; a user may name others. Names are judged by what stands here.
RETRYABLE: frozenset[int] = frozenset(
    code.number for code in _CODES if code.retryable and isinstance(code.number, int)
)
