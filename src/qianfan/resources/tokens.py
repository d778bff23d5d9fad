"""The number of tokens of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan.core.call import Call
from qianfan.errors import InvalidArgumentError, RequestError
from qianfan.resources.base import Resource

if TYPE_CHECKING:
    from typing import Literal

    from qianfan.response import Response

_MODES = ("local", "remote")


class Tokens(Resource):
    """Token counts on a client: `client.tokenizer.count_tokens("...")`."""

    kind = "tokenizer"

    def count_tokens(
        self, text: str, mode: Literal["local", "remote"] = "local", model: str | None = None
    ) -> int:
        """Return the number of tokens of a text.

        Args:
            text: The text.
            mode: `local` for an estimate, 0.625 a Chinese character and 1 a word, made without any
                request; `remote` for the service's count.
            model: Whose tokens the service counts; default its own choice.

        Raises:
            InvalidArgumentError: The text is no str, or there is no such mode.
            APIError: The platform refuses to count.
            RequestError: No usable reply came.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/index.html (Token 计算).
        """
        _check(text, mode)
        return _count(text) if mode == "local" else _counted(self._client.ask(_call(text, model)))

    async def acount_tokens(
        self, text: str, mode: Literal["local", "remote"] = "local", model: str | None = None
    ) -> int:
        """Do what `count_tokens` does, in the running event loop."""
        _check(text, mode)
        if mode == "local":
            return _count(text)
        return _counted(await self._client.aask(_call(text, model)))


def _count(text: str) -> int:
    from qianfan.core.tokens import count  # its patterns take longer to build than a call takes

    return count(text)


def _call(text: str, model: str | None) -> Call:
    return Call("tokenizer", None, None, {"prompt": text, "model": model})


def _counted(reply: Response) -> int:
    """Return the count a reply holds; one that holds none counts nothing."""
    usage = reply.body.get("usage")
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    if not isinstance(total, int):
        raise RequestError(f"the reply holds no count of tokens: {sorted(reply.body)}", status=reply.code)
    return total


def _check(text: Any, mode: Any) -> None:
    if not isinstance(text, str):
        raise InvalidArgumentError(f"text must be a str, not {type(text).__name__}")
    if mode not in _MODES:
        raise InvalidArgumentError(f"mode must be one of {', '.join(_MODES)}, not {mode!r}")
