"""What is asked: how an input becomes the arguments of a call."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from qianfan.errors import InvalidArgumentError, QianfanError
from qianfan.messages import Messages
from qianfan.response import Response

if TYPE_CHECKING:
    from collections.abc import Callable


class _Kind(NamedTuple):
    """A kind of call: its resource on a client, the argument that an input stands for, and an example."""

    resource: str
    word: str
    example: str


KINDS = {
    "chat": _Kind("chat", "messages", '"你好", or [{"role": "user", "content": "你好"}]'),
    "completion": _Kind("completions", "prompt", '"在这个世界上"'),
    "embedding": _Kind("embeddings", "texts", '"世界上最高的山", or a list of texts'),
}


class Job(NamedTuple):
    """The same question for every input.

    Attributes:
        kind: A key of `KINDS`.
        parameters: The arguments that all calls have.
        prompt: What makes of an input what is asked; None where it is that itself.
        ids: What makes of an input its id; None where that is its place.
    """

    kind: str
    parameters: Mapping[str, Any]
    prompt: Callable[[Any], Any] | None = None
    ids: Callable[[Any], int | str] | None = None

    def arguments(self, item: Any) -> dict[str, Any]:
        """Return the arguments of the call for an input.

        Raises:
            InvalidArgumentError: It is nothing that can be asked, or `prompt` failed with it.
        """
        wanted = item
        if self.prompt is not None:
            try:
                wanted = self.prompt(item)
            except QianfanError:
                raise
            except Exception as error:
                raise InvalidArgumentError(
                    f"prompt() raised {type(error).__name__}: {error}", hint="see the error's __cause__"
                ) from error
        _, word, example = KINDS[self.kind]
        if isinstance(wanted, Mapping):
            if word not in wanted:
                raise InvalidArgumentError(
                    f"an input that is a dict holds the arguments of its call, and this one has no {word!r}",
                    hint=f"{{{word!r}: ...}}; prompt= makes of an input what is asked",
                )
            _check_names(wanted)
            return {**self.parameters, **wanted}
        asked = _asked(self.kind, wanted)
        if asked is None:
            raise InvalidArgumentError(
                f"{type(wanted).__name__} is no input of {self.kind}",
                hint=f"an input is {example}, or a dict",
            )
        return {**self.parameters, word: asked}

    def id_of(self, item: Any, place: int) -> int | str:
        """Return the id of an input.

        Raises:
            InvalidArgumentError: `ids` failed with it, or gave none that a file can hold.
        """
        if self.ids is None:
            return place
        try:
            given = self.ids(item)
        except Exception as error:
            raise InvalidArgumentError(f"ids() raised {type(error).__name__}: {error}") from error
        if not isinstance(given, (int, str)) and hasattr(given, "__index__"):  # a number of NumPy's
            given = index(given)
        if isinstance(given, bool) or not isinstance(given, (int, str)) or given == "":
            raise InvalidArgumentError(f"an id is a str or an int, not {given!r}", hint="let ids= return one")
        try:
            orjson.dumps(given)
        except TypeError as error:
            raise InvalidArgumentError(f"the id {given!r} cannot be written as JSON: {error}") from None
        return given

    def reply(self, arguments: Mapping[str, Any], body: dict[str, Any]) -> Response:
        """Return a recorded reply as the call returned it."""
        wanted = arguments.get("response_format")
        if wanted is None:
            return Response(200, {}, body)
        from qianfan.structured import Format

        return Format.of(wanted).reply(200, {}, body)

    def fingerprint(self, arguments: Mapping[str, Any]) -> str:
        """Return what tells this question from others, over processes and machines.

        Raises:
            InvalidArgumentError: It cannot be sent anyway.
        """
        try:
            said = orjson.dumps([self.kind, arguments], default=_plain, option=_CANONICAL)
        except TypeError as error:
            raise InvalidArgumentError(f"the request cannot be written as JSON: {error}") from error
        return hashlib.blake2b(said, digest_size=8).hexdigest()


_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


def _check_names(wanted: Mapping[Any, Any]) -> None:
    """Raise `InvalidArgumentError` where a dict holds what is no argument of a call that is answered whole."""
    if wanted.get("stream"):
        raise _no_stream()
    for name in wanted:
        if not isinstance(name, str) or name == "self":
            raise InvalidArgumentError(f"{name!r} is no name of an argument")


def _no_stream() -> InvalidArgumentError:
    return InvalidArgumentError("many replies come whole: there is no stream=True")


def _asked(kind: str, wanted: Any) -> Any:
    """Return what an input that is no dict asks, or None where it can be no question of this kind."""
    if isinstance(wanted, str):
        if kind == "chat":
            return [{"role": "user", "content": wanted}]
        return [wanted] if kind == "embedding" else wanted
    if kind == "completion":
        return None
    listed = isinstance(wanted, (list, tuple)) or (kind == "chat" and isinstance(wanted, Messages))
    return wanted if listed else None


def _plain(value: Any) -> Any:
    """Return what stands for a value that JSON has not: a function or a type by its name."""
    if isinstance(value, Iterable):
        return list(value)
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__qualname__)}"


def job(
    kind: str,
    model: str | None,
    endpoint: str | None,
    prompt: Callable[[Any], Any] | None,
    ids: Callable[[Any], int | str] | None,
    parameters: Mapping[str, Any],
) -> Job:
    """Return a job, or raise `InvalidArgumentError` where it can be none."""
    if kind not in KINDS:
        raise InvalidArgumentError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    if parameters.get("stream"):
        raise _no_stream()
    for name, function in (("prompt", prompt), ("ids", ids)):
        if function is not None and not callable(function):
            raise InvalidArgumentError(
                f"{name} must be a function of an input, not {type(function).__name__}"
            )
    given = {"model": model, "endpoint": endpoint, **parameters}
    return Job(kind, {name: value for name, value in given.items() if value is not None}, prompt, ids)
