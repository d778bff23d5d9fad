"""What can be found, as one table: how grave it is, what it says, what to do."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Severity(str, Enum):
    """How grave a finding is; the value is its name in JSON."""

    MUST = "must"
    DIFFERS = "differs"
    NOTE = "note"
    UNSEEN = "unseen"

    @property
    def words(self) -> str:
        """What people read."""
        return {"must": "必须改", "differs": "会不同", "note": "提示", "unseen": "看不到"}[self.value]


class Rule(NamedTuple):
    """One thing that can be found.

    Attributes:
        severity: How grave it is.
        what: What it is, with the words of the finding in braces.
        todo: What to do about it.
    """

    severity: Severity
    what: str
    todo: str


_MUST, _DIFFERS, _NOTE, _UNSEEN = Severity.MUST, Severity.DIFFERS, Severity.NOTE, Severity.UNSEEN

RULES: dict[str, Rule] = {
    # models
    "model-gone": Rule(
        _MUST,
        "模型 {name}{retired}：平台没有写明它在 v2 上的后继{followed}",
        "SDK 把名字原样发出，v2 没有它时平台会拒绝；请自选 v2 的模型{near}",
    ),
    "model-replaced": Rule(
        _DIFFERS,
        "模型 {name}：平台说明改用 {id}，那是另一个版本{followed}",
        "SDK 自动换用；请核对回答与长度上限，或自选其他模型",
    ),
    "model-renamed": Rule(_NOTE, "模型 {name} 在 v2 上叫 {id}", "不用改，SDK 自动换用"),
    "model-v2": Rule(_NOTE, "模型 {name} 已是 v2 的名字{reported}", "不用改"),
    "model-unknown": Rule(
        _DIFFERS,
        "目录里没有模型 {name}",
        "SDK 把名字原样发出，由平台答复；若是自己的服务，须以 v2 协议重新部署{near}",
    ),
    "model-default": Rule(
        _DIFFERS, "没有指定模型：v1 默认 {old}，v2 默认 {new}", "请核对回答，或写明 model={new!r}"
    ),
    "model-unseen": Rule(
        _UNSEEN, "{name}= 的值要运行时才知道", "请自行核对；client.models.list() 列出账号在 v2 上可用的模型"
    ),
    # services
    "endpoint-preset": Rule(
        _NOTE, "endpoint={name!r} 是 v1 的预置服务，在 v2 上由 {id} 应答", "不用改；写成 model={id!r} 更清楚"
    ),
    "endpoint-gone": Rule(
        _MUST,
        "endpoint={name!r} 是 v1 的预置服务 {model}，平台没有写明它在 v2 上的后继",
        "请自选 v2 的模型，用 model= 指定{near}",
    ),
    "endpoint-own": Rule(
        _MUST,
        "endpoint={name!r} 是自己的服务：v1 的部署随 v1 一起停止",
        "在控制台以 v2 协议重新部署；它的 API 名就是 v2 的 model，endpoint= 仍可用来给出",
    ),
    "endpoint-verbatim": Rule(
        _MUST,
        "{name}=：地址原样接在 v1 的前缀之后，v2 没有这样的地址",
        "去掉它，改用 model= 或 v2 上的服务名；私有化部署不受影响",
    ),
    "service-v1-only": Rule(_MUST, "{name}：v2 没有这种服务", "{todo}"),
    "address-v1": Rule(
        _MUST,
        "v1 推理接口的地址{name}",
        "改用本 SDK；或把地址换成 https://qianfan.baidubce.com/v2{path}{model}",
    ),
    "address-token": Rule(
        _DIFFERS,
        "换取 access_token 的地址",
        "v2 不接受 access_token，用 API Key 作 Bearer；百度的其他服务仍用这个地址，与千帆无关的不必改",
    ),
    "address-host": Rule(
        _DIFFERS, "v1 的主机 aip.baidubce.com", "若用于千帆，v2 的地址是 https://qianfan.baidubce.com/v2"
    ),
    "address-console": Rule(
        _NOTE, "控制台 v1 接口的地址", "不在 v1 停止的公告之内；平台的文档说以后可能关闭，推荐 v2"
    ),
    "address-v2": Rule(_NOTE, "已是 v2 的地址", "OpenAI SDK 也可以这样用，并可指向本地平台；本 SDK 也说 v2"),
    "version-1": Rule(
        _MUST, "写明了 version=1：v1 的推理接口已宣布于 2026-08-31 停止", "去掉它，由密钥决定；或写 version=2"
    ),
    "host-own": Rule(
        _NOTE,
        "给了自己的地址 {name}=",
        "私有化部署与本地平台仍可用 v1，不用改；这里没有再检查它的模型与密钥",
    ),
    # credentials
    "key-v1": Rule(
        _MUST,
        "{name}：应用的密钥与 access_token 只用于 v1",
        "换成 {new}；代码里的优先于环境变量，所以要去掉",
    ),
    "key-environment": Rule(
        _MUST,
        "环境变量 {name} 只用于 v1",
        "改设 QIANFAN_API_KEY，或 QIANFAN_ACCESS_KEY 与 QIANFAN_SECRET_KEY",
    ),
    "key-in-source": Rule(
        _NOTE, "密钥写在源文件里（***）", "移到环境变量或密钥管理服务；已提交过的请在控制台作废"
    ),
    "token-read": Rule(
        _DIFFERS, "读取 access_token()", "v1 才有 access_token；v2 上得到的是 Bearer，不能放进地址的查询参数"
    ),
    # names
    "name-missing": Rule(_MUST, "{name}：这里没有", "{todo}"),
    "argument-refused": Rule(_MUST, "{what}(…) 这样调用会引发 TypeError：{error}", "{todo}"),
    "argument-misplaced": Rule(
        _MUST, "{what}(…) 的第 {number} 个位置参数在这里是 {name}", "用关键字给出它，如 plugins=[…]"
    ),
    "argument-sent": Rule(_DIFFERS, "{name}= 在这里不是 SDK 的参数，会作为请求体字段发给平台", "{todo}"),
    "environment-ignored": Rule(_DIFFERS, "环境变量 {name} 在这里不起作用", "{todo}"),
    "dotenv-file": Rule(
        _NOTE,
        "有 .env 文件：SDK 不会自动读取它（没有看它的内容）",
        "设 QIANFAN_DOT_ENV_CONFIG_FILE=.env，并安装 qianfan[dotenv]",
    ),
    # behaviour
    "field-missing": Rule(_MUST, "回复没有 .{name}", "{todo}"),
    "exception-transport": Rule(
        _DIFFERS,
        "接住 {name}：SDK 不再抛出它",
        "改接 qianfan.errors.RequestError；其中 ConnectionFailedError 为连接失败，RequestTimeoutError 为超时",
    ),
    "exception-shadowed": Rule(
        _DIFFERS, "except {name}：在这里它是 {earlier} 的一种，上面已经接住", "把它移到 {earlier} 之前"
    ),
    "error-code": Rule(
        _DIFFERS,
        "把错误码与数字比较：v2 的错误码是文字",
        "按异常的类区分，如 RateLimitError、AuthError、BadRequestError",
    ),
    # parameters
    "parameter-translated": Rule(_NOTE, "参数 {name}：v2 上写作 {new}", "不用改，SDK 代为改写"),
    "parameter-v1-only": Rule(_DIFFERS, "参数 {name}：v2 的文档里没有", "SDK 原样发出，由平台判断；{todo}"),
    "parameter-judged": Rule(
        _NOTE,
        "参数 {name}：取值是否合适由平台判断，各模型不同",
        "不用改；v1 拒绝 temperature=0，v2 另有 frequency_penalty 等",
    ),
    "client-v1": Rule(_MUST, "{name} 自己访问 v1 接口，不经过 SDK", "{todo}"),
    # what could not be seen
    "file-unread": Rule(_UNSEEN, "没有读：{reason}", "请修正后再运行一次"),
    "arguments-unseen": Rule(
        _UNSEEN, "{name}(**…) 的参数要运行时才知道", "请自行核对其中的 model、endpoint 与密钥"
    ),
    "object-unseen": Rule(_UNSEEN, "看不出 .{name}(…) 是谁的", "若是本 SDK 的对象，请自行核对它的模型与密钥"),
    "name-unseen": Rule(_UNSEEN, "{name}：要运行时才知道", "请自行核对"),
}
