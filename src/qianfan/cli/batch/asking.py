"""What a row asks: a prompt made of its columns, or a call that it already is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qianfan.errors import InvalidArgumentError
from qianfan.resources.base import CallOptions, WritingParameters
from qianfan.resources.chat import ChatParameters
from qianfan.resources.embedding import EmbeddingParameters

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qianfan.cli.batch.reading import Row
    from qianfan.cli.batch.template import Template

#: The argument of a call that a row stands for.
WORDS = {"chat": "messages", "completion": "prompt", "embedding": "texts"}

#: The columns that hold it, the first that is there; a text is as good as a list of messages or texts.
ASKS = {
    "chat": ("messages", "prompt"),
    "completion": ("prompt",),
    "embedding": ("input", "texts", "prompt"),
}

#: What no parameter of the model is, though a call of this package takes it.
_OPTIONS = frozenset({*CallOptions.__annotations__, "batch_size", "concurrency", "self"})

#: The columns of such a row that are parameters of the call; the others only go into the output.
_PARAMETERS = {
    kind: frozenset(typed) - _OPTIONS | {"model", "endpoint"}
    for kind, typed in (
        ("chat", ChatParameters.__annotations__),
        ("completion", WritingParameters.__annotations__),
        ("embedding", EmbeddingParameters.__annotations__),
    )
}

#: How the URLs of OpenAI's batch format end.
_URLS = {"/chat/completions": "chat", "/embeddings": "embedding", "/completions": "completion"}


@dataclass(frozen=True, slots=True)
class Asking:
    """Makes of a row the arguments of its call.

    Attributes:
        kind: A key of `WORDS`.
        prompt: Makes the prompt of columns; None where the rows are calls already.
        system: Makes the persona of columns, beside a prompt.
        openai: Whether the rows are calls in OpenAI's batch format.
        id_column: The column that is a row's id, or None.
        added: The columns that the output adds, which the input must not have.
        texts_only: Whether columns can be no parameters: CSV's are all texts.
        one_text: Whether a row may hold only one text to embed.
    """

    kind: str
    prompt: Template | None = None
    system: Template | None = None
    openai: bool = False
    id_column: str | None = None
    added: frozenset[str] = frozenset()
    texts_only: bool = False
    one_text: bool = False

    def __call__(self, row: Row) -> dict[str, Any]:
        """Return the arguments of a row's call.

        Raises:
            InvalidArgumentError: It asks nothing.
        """
        if row.problem:
            raise InvalidArgumentError(row.problem)
        self.check_added(row.columns)
        if self.id_column is not None:
            _identity(row.columns, self.id_column)
        if self.prompt is not None:
            return self._filled(self.prompt, row.columns)
        return self._body(row.columns) if self.openai else self._call(row.columns)

    def check_added(self, columns: Iterable[str]) -> None:
        """Raise `InvalidArgumentError` where an answer would take the place of one of these columns."""
        taken = sorted(self.added.intersection(columns))
        if taken:
            raise InvalidArgumentError(
                f"输入已有列 (the input has a column) {taken[0]!r}", hint="--field 换一个名称 (names another)"
            )

    def id_of(self, row: Row) -> int | str:
        """Return a row's id; of one that has none, and so asks nothing, its line."""
        try:
            return _identity(row.columns, self.id_column or "")
        except InvalidArgumentError:
            return f"line {row.number}"

    def _filled(self, prompt: Template, columns: Mapping[str, Any]) -> dict[str, Any]:
        text = prompt.fill(columns)
        if all(columns[name] is None or columns[name] == "" for name in prompt.columns):
            raise InvalidArgumentError(f"模板用到的列是空的 (empty): {', '.join(prompt.columns)}")
        arguments = {WORDS[self.kind]: self._given(text)}
        if self.system is not None:
            arguments["system"] = self.system.fill(columns)
        return arguments

    def _call(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        column = _asks(self.kind, columns)
        if column is None:
            raise InvalidArgumentError(f"没有 (has no) {' / '.join(ASKS[self.kind])}")
        own = (
            {}
            if self.texts_only
            else {name: columns[name] for name in _PARAMETERS[self.kind] & columns.keys()}
        )
        return self._arguments(own, columns[column])

    def _body(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        body = columns.get("body")
        if not isinstance(body, Mapping):
            raise InvalidArgumentError("没有 body 对象 (has no body)")
        if kind_of(columns) != self.kind:
            raise InvalidArgumentError(f"url {columns.get('url')!r} 不是 {self.kind} (is not of this kind)")
        if body.get("stream"):
            raise InvalidArgumentError("stream 不能用于批量 (a batch has no streams)")
        column = _asks(self.kind, body)
        if column is None:
            raise InvalidArgumentError(f"body 没有 (has no) {' / '.join(ASKS[self.kind])}")
        mixed = sorted(_OPTIONS & body.keys())
        if mixed:
            raise InvalidArgumentError(f"{', '.join(mixed)} 不是模型参数 (no parameter of the model)")
        more = {name: value for name, value in body.items() if name not in {column, "stream"}}
        return self._arguments(more, body[column])

    def _arguments(self, parameters: Mapping[str, Any], asked: Any) -> dict[str, Any]:
        given = {name: value for name, value in parameters.items() if value is not None}
        return {**given, WORDS[self.kind]: self._given(asked)}

    def _given(self, asked: Any) -> Any:
        """Return what is asked in the form that its call takes."""
        if isinstance(asked, str):
            if not asked.strip():
                raise InvalidArgumentError("提示词是空的 (the prompt is empty)")
            if self.kind == "chat":
                return [{"role": "user", "content": asked}]
            return [asked] if self.kind == "embedding" else asked
        if self.kind == "completion" or not isinstance(asked, list):
            raise InvalidArgumentError(f"{WORDS[self.kind]} 不能是 (cannot be) {type(asked).__name__}")
        if self.kind == "chat":
            return [_message(item) for item in asked]
        if self.one_text and len(asked) > 1:
            raise InvalidArgumentError(
                "输出为 Parquet 时每行一段文字 (one text a row, where the output is Parquet)"
            )
        return asked


def openai_line(columns: Mapping[str, Any]) -> bool:
    """Say whether a row has the shape of OpenAI's batch format."""
    return isinstance(columns.get("body"), Mapping) and bool({"custom_id", "url"} & columns.keys())


def kind_of(columns: Mapping[str, Any]) -> str | None:
    """Return the kind of call that a row of OpenAI's batch format is."""
    url = str(columns.get("url") or "/chat/completions")
    return next((kind for end, kind in _URLS.items() if url.endswith(end)), None)


def _identity(columns: Mapping[str, Any], column: str) -> int | str:
    """Return the id of a row, or raise `InvalidArgumentError` where it has none."""
    found = columns.get(column)
    if isinstance(found, bool) or not isinstance(found, (int, str)) or found == "":
        raise InvalidArgumentError(f"列 {column!r} 里没有 id，须为文字或整数 (no id, a text or an integer)")
    return found


def _asks(kind: str, columns: Mapping[str, Any]) -> str | None:
    return next((name for name in ASKS[kind] if columns.get(name) is not None), None)


def _message(message: Any) -> Any:
    """Return a message without what Parquet adds to it: every field that another message has."""
    if not isinstance(message, Mapping):
        return message
    return {name: value for name, value in message.items() if value is not None or name == "content"}
