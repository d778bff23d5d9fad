"""What a request may say: what all kinds share, and the rules of chat, as tables and small pure functions.

Where each rule comes from stands in `fidelity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from qianfan.local import checks, tokens
from qianfan.local.wire import NotJson, Refusal, as_array, as_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qianfan.catalog import Model
    from qianfan.local.wire import Json

INVALID_ARGUMENT, INVALID_JSON, INVALID_PARAM, PERMISSION = 336001, 336002, 336003, 336004
BAD_MESSAGES, TOO_LONG, TOO_MANY_TOKENS = 336006, 336007, 336103
BAD_SYSTEM, BAD_USER_SETTING, BAD_FUNCTIONS = 336104, 336105, 336303

DEFAULT_MAX_OUTPUT_TOKENS = 1024

_LEVELS = 64  # of a function's definition; a JSON encoder must be able to write it again

_IGNORED_FUNCTIONS = {
    "zh": "（该模型不支持 functions，本次请求中的 functions 已被忽略。）",
    "en": " (This model takes no functions; those of the request were ignored.)",
}

_USER_SIDE = frozenset({"user", "function"})
_ROLES = _USER_SIDE | {"assistant"}


class Field(NamedTuple):
    """An optional field of the body: its name, its check, the code that answers a bad value."""

    name: str
    check: checks.Check
    code: int = INVALID_PARAM


#: The optional fields of chat. A kind that has one of them too means the same by it.
FIELDS = (
    Field("stream", checks.boolean),
    Field("temperature", checks.number(0, 1, above=True)),
    Field("top_p", checks.number(0, 1)),
    Field("penalty_score", checks.number(1, 2)),
    Field("top_k", checks.integer(1)),
    Field("max_output_tokens", checks.integer(2, 2048)),
    Field("stop", checks.strings(most=4, longest=20)),
    Field("system", checks.text(longest=1024), BAD_SYSTEM),
    Field("user_setting", checks.text(), BAD_USER_SETTING),
    Field("user_id", checks.text()),
    Field("response_format", checks.one_of("text", "json_object")),
    Field("disable_search", checks.boolean),
    Field("enable_citation", checks.boolean),
    Field("enable_trace", checks.boolean),
    Field("functions", checks.array, BAD_FUNCTIONS),
    Field("tool_choice", checks.tool_choice),
)


def shared(*names: str) -> tuple[Field, ...]:
    """Return the fields of these names which another kind shares with chat."""
    return tuple(field for field in FIELDS if field.name in names)


def read(content: Any, fields: Iterable[Field]) -> Json:
    """Return a body that is an object and whose optional fields, where given, keep their rules.

    Raises:
        Refusal: With the code and words of the first rule that is broken.
    """
    if isinstance(content, NotJson):
        raise Refusal(INVALID_JSON)
    body = as_object(content)
    if body is None:
        raise Refusal(INVALID_ARGUMENT, "the body must be a JSON object")
    for field in fields:
        value = body.get(field.name)
        if value is not None and (complaint := field.check(value)):
            raise Refusal(field.code, f"{field.name} {complaint}")
    return body


def required(body: Json, name: str, longest: int | None = None, *, blank: bool = False) -> str:
    """Return a text that must be there.

    Args:
        body: The request's body.
        name: The field.
        longest: Most characters it may have.
        blank: Whether it may be nothing but white space.

    Raises:
        Refusal: It is missing or no string (336001), or a string that may not be (336003).
    """
    value = body.get(name)
    if value is None:
        raise Refusal(INVALID_ARGUMENT, f"{name} is required")
    if not isinstance(value, str):
        raise Refusal(INVALID_ARGUMENT, f"{name} must be a string")
    if not (blank or value.strip()):
        raise Refusal(INVALID_PARAM, f"{name} can't be blank")
    if complaint := checks.text(longest)(value):
        raise Refusal(INVALID_PARAM, f"{name} {complaint}")
    return value


def required_texts(body: Json, name: str, most: int) -> list[str]:
    """Return an array of 1 to so many texts that must be there.

    Raises:
        Refusal: It is missing (336001), or another thing than such an array (336003).
    """
    value = body.get(name)
    if value is None:
        raise Refusal(INVALID_ARGUMENT, f"{name} is required")
    if complaint := checks.texts(most)(value):
        raise Refusal(INVALID_PARAM, f"{name} {complaint}")
    return cast("list[str]", value)


def check_input(texts: Sequence[str], model: Model | None) -> None:
    """Refuse texts which together are longer than a model takes; None is a custom service.

    Raises:
        Refusal: 336007 or 336103.
    """
    if model is not None:
        check_length(texts, model.max_input_chars, model.max_input_tokens)


def check_length(texts: Sequence[str], most_characters: int | None, most_tokens: int | None) -> None:
    """Refuse texts which together are longer than a limit; None is no limit.

    Raises:
        Refusal: Too many characters (336007) or tokens (336103).
    """
    if most_characters is not None and sum(map(len, texts)) > most_characters:
        raise Refusal(TOO_LONG, f"the max input characters is {most_characters}")
    if most_tokens is not None and tokens.count(*texts) > most_tokens:
        raise Refusal(TOO_MANY_TOKENS)


@dataclass(frozen=True, slots=True)
class Question:
    """A chat request that keeps the rules.

    Attributes:
        messages: The conversation, its last message from the user's side.
        stream: Whether the answer is a stream.
        system: The persona, or "".
        functions: What the model may call; empty where it takes no functions.
        chosen: The function that must be called, or None.
        must_call: Whether one must be called, whichever.
        several: Whether the answer may be several calls.
        explains: Whether a call comes with the thought behind it.
        stop: Where the answer ends early.
        max_output_tokens: How long it may be.
        json: Whether it must be JSON.
        schema: The JSON schema it must fit, or None.
        images: The image files of the last message; of one that is elsewhere, its address.
        thinks: Whether the model thinks aloud first.
        note: A sentence that the answer ends with, by language, or None.
    """

    messages: list[Json]
    stream: bool = False
    system: str = ""
    functions: tuple[Json, ...] = ()
    chosen: str | None = None
    must_call: bool = False
    several: bool = False
    explains: bool = True
    stop: tuple[str, ...] = ()
    max_output_tokens: int = DEFAULT_MAX_OUTPUT_TOKENS
    json: bool = False
    schema: Json | None = None
    images: tuple[bytes | str, ...] = ()
    thinks: bool = False
    note: dict[str, str] | None = None


def validate(content: Any, model: Model | None) -> Question:
    """Return the question a body asks of a model; None is a custom service.

    Unknown fields are left alone, and null is the same as not given.

    Raises:
        Refusal: With the code and words of the first rule that is broken.
    """
    body = read(content, FIELDS)
    messages = _messages(body.get("messages"))
    check_input([message.get("content") or "" for message in messages], model)
    functions = tuple(function(item) for item in body.get("functions") or ())
    takes_functions = accepts_functions(model)
    return Question(
        messages=messages,
        stream=bool(body.get("stream")),
        system=body.get("system") or "",
        functions=functions if takes_functions else (),
        chosen=chosen(body.get("tool_choice"), functions) if takes_functions else None,
        stop=tuple(body.get("stop") or ()),
        max_output_tokens=body.get("max_output_tokens") or DEFAULT_MAX_OUTPUT_TOKENS,
        json=body.get("response_format") == "json_object",
        note=_IGNORED_FUNCTIONS if functions and not takes_functions else None,
    )


def accepts_functions(model: Model | None) -> bool:
    """Return whether a model takes `functions`; what the catalogue knows nothing about does."""
    if model is None or not model.parameters:
        return True
    return "functions" in model.parameters or "func" in model.endpoint


def _messages(value: Any) -> list[Json]:
    if value is None:
        raise Refusal(INVALID_ARGUMENT, "messages is required")
    messages = as_array(value)
    if messages is None:
        raise Refusal(INVALID_ARGUMENT, "messages must be an array")
    for index, message in enumerate(messages):
        if as_object(message) is None:
            raise Refusal(INVALID_ARGUMENT, f"messages[{index}] must be an object")
        _check_message(message)
    if len(messages) % 2 == 0:
        raise Refusal(BAD_MESSAGES)
    for index, message in enumerate(messages):
        # The platform uses the words of the odd count for a wrong order too.
        if (message["role"] in _USER_SIDE) == bool(index % 2):
            raise Refusal(BAD_MESSAGES)
    return cast("list[Json]", messages)


def _check_message(message: Json) -> None:
    role, content = message.get("role"), message.get("content")
    if not isinstance(role, str) or role not in _ROLES:
        raise Refusal(BAD_MESSAGES, "the role of message must be user, assistant or function")
    if role == "function" and not _is_filled(message.get("name")):
        raise Refusal(INVALID_PARAM, "the name of a function message can't be blank")
    called = message.get("function_call") if role == "assistant" else None
    if called is not None:
        _check_function_call(called)
    if content is not None and not isinstance(content, str):
        raise Refusal(INVALID_PARAM, "the content of message must be a string")
    if not content and called is None:
        raise Refusal(INVALID_PARAM, "the content of message can't be empty")


def _check_function_call(value: Any) -> None:
    called = as_object(value)
    if called is None:
        raise Refusal(INVALID_PARAM, "function_call must be an object")
    if not _is_filled(called.get("name")):
        raise Refusal(INVALID_PARAM, "function_call's name can't be blank")
    if not isinstance(called.get("arguments", ""), str):
        raise Refusal(INVALID_PARAM, "function_call's arguments must be a JSON string")


def function(value: Any, where: str = "functions") -> Json:
    """Return the definition of a function that may be called.

    Raises:
        Refusal: 336303, with what is wrong in the field where it stands.
    """
    definition = as_object(value)
    if definition is None:
        raise Refusal(BAD_FUNCTIONS, f"{where} must be an array of objects")
    if not _is_filled(definition.get("name")):
        raise Refusal(BAD_FUNCTIONS, f"{where}: name can't be blank")
    name = definition["name"]
    if not _is_filled(definition.get("description")):
        raise Refusal(BAD_FUNCTIONS, f"{where}: description of {name} can't be blank")
    parameters = as_object(definition.get("parameters"))
    if not parameters or parameters.get("type") != "object":
        raise Refusal(BAD_FUNCTIONS, f'{where}: parameters of {name} must be a JSON schema of type "object"')
    if as_object(parameters.get("properties", {})) is None:
        raise Refusal(BAD_FUNCTIONS, f"{where}: properties of {name} must be an object")
    if is_deeper(definition):
        raise Refusal(BAD_FUNCTIONS, f"{where}: {name} is nested more than {_LEVELS} levels deep")
    return definition


def chosen(choice: Any, functions: tuple[Json, ...], where: str = "functions") -> str | None:
    """Return the name of the function that must be called, or None.

    Raises:
        Refusal: 336003, it is none of the functions.
    """
    if choice is None:
        return None
    name = str(choice["function"]["name"])
    if all(definition["name"] != name for definition in functions):
        raise Refusal(INVALID_PARAM, f"tool_choice names {name}, which is not in {where}")
    return name


def is_deeper(value: Any, levels: int = _LEVELS) -> bool:
    """Return whether a JSON value is nested more levels deep than can be written again."""
    inner = as_array(value) or (as_object(value) or {}).values()
    return levels < 0 or any(is_deeper(item, levels - 1) for item in inner)


def _is_filled(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
