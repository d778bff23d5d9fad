"""What `qianfan doctor` looks at: credentials, the API they lead to, the network, the clock, one call.

Nothing here costs tokens unless a chat is asked for. No finding shows a secret.
"""

from __future__ import annotations

import socket
import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from qianfan import credentials, settings
from qianfan.client import Qianfan
from qianfan.config import Sources
from qianfan.errors import InvalidArgumentError, QianfanError
from qianfan.response import Headers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from qianfan.settings import Network, Settings

_CONNECT = 10.0  # seconds

_MODEL_QUESTION = "你好"


class State(Enum):
    """How a thing stands."""

    GOOD = "good"
    NOTE = "note"  # neither good nor bad
    BAD = "bad"


class Finding(NamedTuple):
    """One thing that was looked at.

    Attributes:
        about: What: a short name.
        state: How it stands.
        says: What was found.
        advice: What to do, or an empty string.
    """

    about: str
    state: State
    says: str
    advice: str = ""


def examine(*, chat: bool = False, model: str | None = None) -> Iterator[Finding]:
    """Look at one thing after the other, and say how each stands.

    Args:
        chat: Whether to ask a model one short question, which costs some tokens.
        model: The model to ask; by default that of every call.
    """
    yield from _keys(Sources({}))
    try:
        own = settings.resolve({})
    except InvalidArgumentError as error:
        yield Finding("接口 API", State.BAD, error.message, error.hint)
        return
    yield _leads_to(own)
    if not own.local:
        yield from _connections(own)
    with Qianfan() as client:
        yield from _calls(client, own, chat=chat, model=model)


#: The settings that hold credentials, the first word of a pair first; the second of a pair is a secret.
_KEYS = (
    ("api_key",),
    ("bearer_token",),
    ("access_key", "secret_key"),
    ("ak", "sk"),
    ("access_token",),
    ("access_code",),
    ("app_id",),
)
_LEVELS = ("", "qianfan.{}()", "QIANFAN_{}")
_SETTERS = {
    "ak": "AK",
    "sk": "SK",
    "access_key": "AccessKey",
    "secret_key": "SecretKey",
    "access_token": "AccessToken",
}


def _keys(sources: Sources) -> Iterator[Finding]:
    """Tell which credentials are set, where, and whether they look like what they stand for."""
    found = 0
    for names in _KEYS:
        given = [(name, *sources.find(name)) for name in names]
        if all(value is None for _, _, value in given):
            continue
        found += 1
        says = ", ".join(_shown(name, level, value) for name, level, value in given)
        lacking = [name for name, _, value in given if value is None]
        looks = credentials.shape(str(given[0][2] or ""))
        about = f"密钥 {'/'.join(names)}"
        if lacking:
            yield Finding(about, State.BAD, says, f"缺少 {lacking[0]}，须成对设置 ({lacking[0]} is missing)")
        elif looks is not None and not looks.advice.startswith(f"it belongs in {names[0]}="):
            yield Finding(about, State.BAD, f"{says}: {looks.kind}", looks.advice)
        else:
            yield Finding(about, State.GOOD, says)
    if not found:
        yield Finding("密钥 keys", State.NOTE, "没有设置任何密钥 (no credential is set)")


def _shown(name: str, level: int, value: object) -> str:
    """Return where a setting was found, and the part of it that tells it from others."""
    if value is None:
        return f"{name} 未设置"
    place = _LEVELS[level].format(_SETTERS.get(name, name) if level == 1 else name.upper())
    return f"{place} = {masked(str(value), public=name in {'ak', 'access_key', 'app_id'})}"


def masked(value: str, *, public: bool = False) -> str:
    """Return a credential as it may be shown: the start of a key's name, never of a secret."""
    if public:
        return value if len(value) <= 8 else f"{value[:8]}…（{len(value)} 个字符）"
    head = value[: len("bce-v3/ALTAK-")] if value.startswith("bce-v3/ALTAK-") else ""
    return f"{head}***（{len(value)} 个字符）"


_SERVES = {
    credentials.ApiKey: "API key",
    credentials.TokenProvider: "token_provider",
    credentials.IamKey: "IAM Access Key",
    credentials.ApplicationKey: "应用的 AK/SK",
    credentials.AccessToken: "access_token",
    credentials.AccessCode: "私有化部署的 access code",
    credentials.NoCredential: "无密钥",
}


def _leads_to(own: Settings) -> Finding:
    """Tell which API answers, and by which credential."""
    where = (
        "本进程中的本地平台 (QIANFAN_LOCAL)"
        if own.local
        else own.v2_url
        if own.version == 2
        else own.base_url
    )
    says = f"v{own.version}，{_SERVES[type(own.credential)]}，{where}"
    if own.version == 1 and not own.local and urlsplit(own.base_url).hostname == "aip.baidubce.com":
        return Finding(
            "接口 API",
            State.NOTE,
            says,
            "v1 推理接口已宣布于 2026-08-31 停止：请改设 QIANFAN_API_KEY，或 QIANFAN_ACCESS_KEY 与 QIANFAN_SECRET_KEY "
            "(v1 was announced to end on 2026-08-31: set QIANFAN_API_KEY, or the IAM pair)",
        )
    return Finding("接口 API", State.GOOD, says)


def _connections(own: Settings) -> Iterator[Finding]:
    """Tell whether the hosts that calls go to can be reached, and are who they say."""
    urls = [own.v2_url if own.version == 2 else own.base_url]
    if isinstance(own.credential, credentials.IamKey) and own.version == 2:
        urls.append(own.iam_url)
    if own.console.key.access_key:
        urls.append(own.console.base_url)
    hosts = {(parts.scheme, parts.netloc): parts for parts in map(urlsplit, urls)}
    proxy = own.network.proxy
    if proxy:
        at = urlsplit(proxy)
        yield Finding("代理 proxy", State.NOTE, f"{at.scheme}://{at.netloc.rpartition('@')[2]}")
        yield _reached("代理 proxy", at.scheme, at.hostname or "", at.port, None)
    if not own.network.verify:
        yield Finding(
            "TLS",
            State.BAD,
            "不校验证书 (certificates are not verified)",
            "去掉 verify=False (remove verify=False)",
        )
    if own.network.ca_bundle:
        yield Finding("TLS", State.NOTE, f"ca_bundle {own.network.ca_bundle}")
    for parts in hosts.values():
        if not proxy:  # else the proxy resolves and connects
            yield _reached("主机 host", parts.scheme, parts.hostname or "", parts.port, own.network)


def _reached(about: str, scheme: str, host: str, port: int | None, network: Network | None) -> Finding:
    """Connect to a host, shake hands where it speaks TLS, and tell how long that took."""
    port = port or (443 if scheme == "https" else 80)
    started = time.monotonic()
    try:
        with socket.create_connection((host, port), timeout=_CONNECT) as connection:
            said = f"{connection.getpeername()[0]}"
            if scheme == "https" and network is not None:
                from qianfan.drivers import tls

                with tls.context(network).wrap_socket(connection, server_hostname=host) as secure:
                    said += f"，{secure.version()}"
    except (OSError, QianfanError) as error:
        advice = (
            error.hint
            if isinstance(error, QianfanError)
            else "请检查地址、网络、DNS 与证书 (check address, network, DNS and certificates)"
        )
        return Finding(about, State.BAD, f"{host}:{port}: {error}", advice)
    took = (time.monotonic() - started) * 1000
    return Finding(about, State.GOOD, f"{host}:{port}（{said}，{took:.0f} ms）")


def _calls(client: Qianfan, own: Settings, *, chat: bool, model: str | None) -> Iterator[Finding]:
    """Make a call that costs nothing, with the clock told by its reply; then a chat where asked to."""
    quick = client.with_options(request_timeout=30, retry_count=1)
    headers: Mapping[str, str] = Headers()
    try:
        if own.version == 2:
            reply = quick.models.list()
            headers = reply.headers
            yield Finding("调用 call", State.GOOD, f"列出了 {len(reply)} 个模型 (models listed)")
        else:
            token = quick.access_token()
            what = "换取了令牌 (a token was fetched)" if token else "不用令牌 (no token is used)"
            yield Finding("调用 call", State.GOOD, what)
    except QianfanError as error:
        headers = error.headers
        yield Finding("调用 call", State.BAD, error.message, error.hint)
    yield from _clock(headers, own.console.expiration)
    if own.console.key.access_key and own.console.key.secret_key:
        yield _console(quick)
    if chat:
        yield _chat(quick, model)


def _clock(headers: Mapping[str, str], validity: int) -> Iterator[Finding]:
    """Tell how far this machine's clock is from the service's."""
    try:
        theirs = parsedate_to_datetime(headers.get("Date") or "")
    except ValueError:
        return
    behind = (theirs - datetime.now(timezone.utc)).total_seconds()
    if abs(behind) < validity:
        yield Finding("时钟 clock", State.GOOD, f"与服务相差 {abs(behind):.0f} 秒 (s apart from the service)")
        return
    yield Finding(
        "时钟 clock",
        State.BAD,
        f"与服务相差 {abs(behind):.0f} 秒 (s {'behind' if behind > 0 else 'ahead of'} the service)",
        f"签名只在 {validity} 秒内有效：请校准时钟 (a signature is valid for {validity} s: set the clock)",
    )


def _console(client: Qianfan) -> Finding:
    """Make a signed call of the console that changes nothing."""
    try:
        client.service.list(request_timeout=30)
    except QianfanError as error:
        return Finding("控制台 console", State.BAD, error.message, error.hint)
    return Finding("控制台 console", State.GOOD, "签名被接受 (the signature is accepted)")


def _chat(client: Qianfan, model: str | None) -> Finding:
    """Ask a model one short question."""
    try:
        messages = [{"role": "user", "content": _MODEL_QUESTION}]
        reply = client.chat.do(messages, model, max_output_tokens=16)
    except QianfanError as error:
        return Finding("对话 chat", State.BAD, error.message, error.hint)
    return Finding("对话 chat", State.GOOD, f"{reply['result'][:40]!r}（{reply.usage.total_tokens} token）")
