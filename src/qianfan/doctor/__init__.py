"""What `qianfan doctor` looks at, in the order of a call: environment, keys, API, network, clock, calls.

No call writes a text unless a chat is asked for. No finding shows a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from qianfan import credentials, settings
from qianfan.client import Qianfan
from qianfan.config import Sources
from qianfan.doctor import environment, keys
from qianfan.doctor.calls import Calls
from qianfan.doctor.findings import LIMIT, Finding, State, failed
from qianfan.doctor.network import Ways
from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qianfan.settings import Settings

__all__ = ["LIMIT", "Finding", "State", "examine"]


def examine(*, chat: bool = False, model: str | None = None, limit: float = LIMIT) -> Iterator[Finding]:
    """Look at one thing after the other, and say how each stands.

    Args:
        chat: Whether to ask a model one short question, which costs some tokens.
        model: The model to ask; by default that of every call.
        limit: Seconds that each step may take.
    """
    try:
        sources = Sources({})
    except InvalidArgumentError as error:
        yield failed("environment", error)
        return
    hidden = keys.secrets(sources)
    for finding in _story(sources, chat=chat, model=model, limit=limit):
        says, advice = finding.says, finding.advice
        for secret in hidden:
            says, advice = says.replace(secret, "***"), advice.replace(secret, "***")
        yield finding._replace(says=says, advice=advice)


def _story(sources: Sources, *, chat: bool, model: str | None, limit: float) -> Iterator[Finding]:
    yield from environment.findings(sources.env)
    of_keys = list(keys.findings(sources))
    yield from of_keys
    try:
        own = settings.resolve({})
    except InvalidArgumentError as error:
        told = any(finding.state is State.BAD for finding in of_keys)  # with its own advice
        yield failed("api", error)._replace(advice="" if told else error.hint)
        return
    yield _leads_to(own)
    with Qianfan(request_timeout=limit, retry_count=1) as client:
        yield from Calls(client, own, Ways(sources.env, limit)).made(chat=chat, model=model)


_SERVES = {
    credentials.ApiKey: "API key",
    credentials.TokenProvider: "token_provider",
    credentials.IamKey: "IAM Access Key",
    credentials.ApplicationKey: "应用的 AK/SK (an application's pair)",
    credentials.AccessToken: "access_token",
    credentials.AccessCode: "私有化部署的 access code",
    credentials.NoCredential: "不带密钥 (QIANFAN_NO_AUTH)",
}

_END_OF_V1 = (
    "v1 推理接口已宣布于 2026-08-31 停止：请改设 QIANFAN_API_KEY，或 QIANFAN_ACCESS_KEY 与 QIANFAN_SECRET_KEY "
    "(v1 was announced to end on 2026-08-31: set QIANFAN_API_KEY, or the IAM pair)"
)


def _leads_to(own: Settings) -> Finding:
    """Tell which API answers, and by which credential."""
    if own.local:
        says = "本进程中的本地平台，接受任何密钥 (QIANFAN_LOCAL: the platform in this process takes any key)"
        return Finding("api", State.GOOD, f"v{own.version}，{says}")
    url = own.v2_url if own.version == 2 else own.base_url
    says = f"v{own.version}，{_SERVES[type(own.credential)]}，{url}"
    if own.version == 1 and urlsplit(url).hostname == urlsplit(settings.BASE_URL).hostname:
        return Finding("api", State.NOTE, says, _END_OF_V1)
    return Finding("api", State.GOOD, says)
