"""The tree of errors: as drawn, by code, copied, and saying what to do next."""

from __future__ import annotations

import copy
import inspect
import re
from typing import Any

import pytest

import qianfan
from qianfan import errors
from qianfan.codes import CODES, Code, Kind
from qianfan.core.refusals import api_error
from qianfan.errors import (
    AccessTokenExpiredError,
    APIError,
    ArgumentNotFoundError,
    Attempt,
    AuthError,
    BadRequestError,
    BulkStoppedError,
    ConnectionFailedError,
    InternalError,
    InvalidArgumentError,
    NotImplmentError,
    ParseError,
    QianfanError,
    QuotaError,
    RateLimitError,
    RateLimitTimeoutError,
    ReplyInvalidError,
    ReplyRefusedError,
    ReplyTruncatedError,
    RequestError,
    RequestTimeoutError,
    StreamIncompleteError,
    ValidationError,
)
from qianfan.response import Response

from .copies import pickled

CLASSES = {
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, QianfanError) and value.__module__ == errors.__name__
}


def drawn() -> dict[str, tuple[str | None, str | None]]:
    """Read the tree in the docstring: each name with its parent and the built-in it also is."""
    tree: dict[str, tuple[str | None, str | None]] = {}
    path: list[str] = []
    for line in inspect.cleandoc(errors.__doc__ or "").splitlines():
        found = re.match(r"^(    (?:[│├└─ ]{4})*)(\w+)(?: \((\w+)\))?(?:  .*|)$", line)
        if found:
            depth = len(found[1]) // 4 - 1
            path[depth:] = [found[2]]
            tree[found[2]] = (path[depth - 1] if depth else None, found[3])
    return tree


def built() -> dict[str, tuple[str | None, str | None]]:
    """Read the same from the classes."""
    tree = {}
    for cls in CLASSES:
        parents = [base.__name__ for base in cls.__bases__ if issubclass(base, QianfanError)]
        others = [
            base.__name__
            for base in cls.__bases__
            if not issubclass(base, QianfanError) and base is not Exception
        ]
        tree[cls.__name__] = (parents[0] if parents else None, others[0] if others else None)
    return tree


def test_the_tree_is_as_drawn() -> None:
    """The docstring draws every class, below its parent, with the built-in error it also is."""
    assert drawn() == built()


@pytest.mark.parametrize(
    ("kind", "cls"),
    [
        (Kind.SERVER, InternalError),
        (Kind.BUSY, RateLimitError),
        (Kind.QUOTA, QuotaError),
        (Kind.TOKEN, AccessTokenExpiredError),
        (Kind.AUTH, AuthError),
        (Kind.REQUEST, BadRequestError),
    ],
)
def test_kinds(kind: Kind, cls: type[APIError]) -> None:
    """Each kind of code has its class, and the table has codes of each kind."""
    codes = [code.number for code in CODES.values() if code.kind is kind]

    assert codes
    assert {type(api_error(code, "")) for code in codes} == {cls}


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        (1, InternalError),
        (3, BadRequestError),
        (4, RateLimitError),
        (6, AuthError),
        (14, AuthError),
        (17, QuotaError),
        (18, RateLimitError),
        (19, QuotaError),
        (110, AccessTokenExpiredError),
        (111, AccessTokenExpiredError),
        (336000, InternalError),
        (336003, BadRequestError),
        (336006, BadRequestError),
        (336100, RateLimitError),
        (336501, RateLimitError),
        (336502, RateLimitError),
        (424242, APIError),
        ("invalid_model", BadRequestError),
        ("invalid_iam_token", AuthError),
        ("tpm_rate_limit_exceeded", RateLimitError),
        ("internal_error", InternalError),
        ("a_new_word", APIError),
        ("18", APIError),
    ],
)
def test_code(code: int | str, cls: type[APIError]) -> None:
    """A code decides the class; one that nobody knows gives the base of all platform errors."""
    error = api_error(code, "words", "as-1")

    assert type(error) is cls
    assert (error.code, error.error_code, error.message, error.error_msg) == (code, code, "words", "words")
    assert (error.request_id, error.req_id) == ("as-1", "as-1")


@pytest.mark.parametrize("code", CODES.values(), ids=lambda code: str(code.number))
def test_every_code_is_well_told(code: Code) -> None:
    """Every code of the table has words of its own and says in both languages what to do."""
    text = str(api_error(code.number, ""))

    assert text == f"[{code.number}] {code.message} → {code.hint}"
    assert code.message
    assert re.search("[一-鿿]", code.hint)
    assert re.search("[a-z]{2}", code.hint)


def test_the_codes_of_the_platform() -> None:
    """The table has every code that the platform's documentation names, of inference and console, under its number."""
    documented = {1, 2, 3, 4, 6, 13, 14, 15, 17, 18, 19, 100, 110, 111, 200, *range(336000, 336009)}
    documented |= {*range(336100, 336106), 336200, 336303, 336501, 336502, 337006, *range(4224001, 4224007)}
    documented |= {*range(500000, 500003), 510101, 510102, *range(510201, 510204), 510301, 510302}
    documented |= set(range(510401, 510405))
    names = """malformed_json invalid_model invalid_messages characters_too_long tokens_too_long invalid_argument
        no_parameter_permission invalid_appid invalid_iam_token rpm_rate_limit_exceeded tpm_rate_limit_exceeded
        invalid_image_genration_prompt invalid_image_genration_refer_image invalid_image_url image_url_unsafe
        invalid_plugin_argument internal_error"""

    assert set(CODES) == documented | set(names.split())
    assert all(number == code.number for number, code in CODES.items())


@pytest.mark.parametrize("code", [18, 110, 336003])
def test_the_platforms_words_come_first(code: int) -> None:
    """What the platform says is kept; the table's words stand in only where it says nothing."""
    assert api_error(code, "its own words").message == "its own words"
    assert api_error(code, "").message == CODES[code].message


def told(**facts: Any) -> QianfanError:
    """Return an error with some facts."""
    error = api_error(987654, "words")
    for name, value in facts.items():
        setattr(error, name, value)
    return error


ATTEMPT = Attempt("RateLimitError 18", 0.1, 0.5)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (QianfanError("words"), "words"),
        (QianfanError("words", hint="do this"), "words → do this"),
        (QianfanError(), ""),
        (told(), "[987654] words"),
        (told(request_id="as-1"), "[987654] words (request id as-1)"),
        (told(attempts=(ATTEMPT,)), "[987654] words"),
        (told(attempts=(ATTEMPT,) * 3), "[987654] words (after 3 attempts)"),
        (
            told(request_id="as-1", attempts=(ATTEMPT,) * 2, hint="do this"),
            "[987654] words (request id as-1) (after 2 attempts) → do this",
        ),
        (ConnectionFailedError("refused", hint="start it"), "refused → start it"),
        (RequestTimeoutError("late", hint="wait"), "late → wait"),
        (InvalidArgumentError("wrong", hint="write it so"), "wrong → write it so"),
    ],
)
def test_text(error: QianfanError, text: str) -> None:
    """The text says what happened, where to ask, how often it was tried, and what to do next."""
    assert str(error) == text


EVERY = [
    *(
        cls("words", hint="do this")
        for cls in sorted(CLASSES - {APIError, BulkStoppedError}, key=str)
        if not issubclass(cls, APIError)
    ),
    *(cls(18, "words", "as-1") for cls in sorted(CLASSES, key=str) if issubclass(cls, APIError)),
    RequestError("words", status=502, body="<html>", headers={"X-A": "b"}),
]


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, pickled],
    ids=["copy", "deep", "pickle"],
)
@pytest.mark.parametrize("error", EVERY, ids=lambda error: type(error).__name__)
def test_copies(error: QianfanError, copied: Any) -> None:
    """A copied or pickled error is the same error, with all it carries."""
    error.attempts = (ATTEMPT,)
    error.partial = Response(200, {}, {"result": "half"})
    error.retry_after = 3.0

    twin = copied(error)

    assert type(twin) is type(error)
    assert (str(twin), repr(twin), twin.args) == (str(error), repr(error), error.args)
    assert vars(twin) == vars(error)


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        *((api_error(code.number, ""), code.retryable) for code in CODES.values()),
        (RequestError(status=503), True),
        (RequestError(status=404), False),
        (RequestError(), False),
        (ConnectionFailedError(), True),
        (RequestTimeoutError(), False),
        (InvalidArgumentError(), False),
        (told(status=503), True),
        (told(status=200), False),
    ],
    ids=lambda value: f"{value.code or type(value).__name__}" if isinstance(value, QianfanError) else "",
)
def test_retryable(error: QianfanError, retryable: bool) -> None:
    """Every error says whether the same call may succeed later."""
    assert error.retryable is retryable


@pytest.mark.parametrize(
    ("cls", "caught_by"),
    [
        (InvalidArgumentError, ValueError),
        (ArgumentNotFoundError, InvalidArgumentError),
        (ValidationError, ValueError),
        (ConnectionFailedError, ConnectionError),
        (RequestTimeoutError, TimeoutError),
        (RequestTimeoutError, RequestError),
        (RateLimitTimeoutError, RequestTimeoutError),
        (StreamIncompleteError, RequestError),
        (NotImplmentError, NotImplementedError),
        (ReplyInvalidError, ValueError),
        (ReplyRefusedError, ParseError),
        (ReplyTruncatedError, ParseError),
        (AccessTokenExpiredError, AuthError),
        *((cls, QianfanError) for cls in sorted(CLASSES, key=str)),
    ],
    ids=lambda cls: cls.__name__,
)
def test_what_catches_it(cls: type[Exception], caught_by: type[Exception]) -> None:
    """Code that catches the built-in error, or the base of ours, catches it."""
    assert issubclass(cls, caught_by)


@pytest.mark.parametrize(
    "name",
    [
        # of 0.1.x
        "QianfanError",
        "NotImplmentError",
        "APIError",
        "RequestError",
        "InvalidArgumentError",
        "ArgumentNotFoundError",
        "RequestTimeoutError",
        "AccessTokenExpiredError",
        "InternalError",
        # of later releases
        "BearerTokenExpiredError",
        "AuthError",
        "ValidationError",
        "QianfanRequestError",
    ],
)
def test_names_that_users_catch(name: str) -> None:
    """Every name of the platform documentation is there by `import qianfan` alone, inside the one tree."""
    assert issubclass(getattr(qianfan.errors, name), QianfanError)


def test_what_later_releases_put_on_errors() -> None:
    """The attributes that code written for them reads."""
    request = RequestError("words", status=502, body="<html>", headers={"X-A": "b"})
    api = APIError(18, "words", "as-1")

    assert (request.status_code, request.body, request.headers) == (
        502,
        "<html>",
        {"X-A": "b"},
    )
    assert (RequestError().headers, RequestError().body, RequestError().request_id) == ({}, "", None)
    assert (api.error_code, api.error_msg, api.req_id) == (18, "words", "as-1")
