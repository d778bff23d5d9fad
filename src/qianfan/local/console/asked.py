"""A console call that was let in, and what answers it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from qianfan.local.console.account import Account
    from qianfan.local.wire import Json

_INFERENCE = "/rpc/2.0/ai_custom/v1/wenxinworkshop"


class Asked(NamedTuple):
    """A call that was let in.

    Attributes:
        account: What the console manages.
        body: The JSON object sent.
        now: The platform's time.
        site: Scheme and host that the caller reaches the platform by.
    """

    account: Account
    body: Json
    now: float
    site: str

    def address(self, kind: str, uri: str) -> str:
        """Return where a service answers."""
        return f"{self.site}{_INFERENCE}/{kind}/{uri}"


#: Returns the `result` of a call, or raises a `Refusal`.
Handler: TypeAlias = Callable[[Asked], Any]
