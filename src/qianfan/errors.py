"""Every error this package raises, in one tree.

    QianfanError
    ├── InvalidArgumentError (ValueError)    the call is wrong; nothing was sent
    │   ├── ArgumentNotFoundError            a required argument is missing
    │   └── ValidationError                  a value does not fit
    ├── BudgetExceededError                  the call may pass a budget of `client.budget`; it was not sent
    ├── RequestError                         no usable reply: HTTP status, not JSON
    │   ├── ConnectionFailedError (ConnectionError)  refused, unresolved, untrusted, broken
    │   │   ├── DeadConnectionError          a reused connection was closed already
    │   │   └── WorkerLostError              the worker of a Ray cluster that had the call was lost
    │   ├── RequestTimeoutError (TimeoutError)
    │   │   └── RateLimitTimeoutError        no place in the own rate limit in time; nothing was sent
    │   └── StreamIncompleteError            a stream ended before its end mark; `partial` has the rest
    ├── RateLimiterLostError                 the shared rate limit cannot be reached; nothing was sent
    ├── JobError                             a job of fine-tuning did not finish; `job` is the job
    │   ├── JobFailedError                   it failed
    │   ├── JobStoppedError                  it was stopped
    │   └── JobTimeoutError (TimeoutError)   it was not finished in time
    ├── BulkStoppedError                     a run of many requests met nothing but failures; `failure` is the last
    ├── WorkersLostError                     no worker of a Ray cluster is there to go on with a run
    ├── APIError                             the platform answered with an error code
    │   ├── AuthError                        credentials or permissions
    │   │   └── AccessTokenExpiredError      still refused after a new token was fetched
    │   ├── RateLimitError                   too fast, or overloaded
    │   ├── QuotaError                       a daily or total quota, a bill
    │   ├── BadRequestError                  the platform refuses the request as it is
    │   └── InternalError                    the service failed
    ├── ParseError                           a reply without the value asked for; `text` and `usage` are its own
    │   ├── ReplyTruncatedError              cut by the limit of tokens
    │   ├── ReplyRefusedError                the model or the service would not answer
    │   └── ReplyInvalidError (ValueError)   no JSON, or not what was asked for
    └── NotImplmentError (NotImplementedError)

Which class a code gets is decided by `qianfan.core.refusals`. Names that earlier SDKs spelled otherwise
stand as aliases at the end of this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from qianfan.codes import CODES
from qianfan.response import Headers, RateLimits, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qianfan.core.ledger import Amount, Limits
    from qianfan.response import Response


#: HTTP statuses that pass with time.
PASSING_STATUSES = frozenset({429, 500, 502, 503, 504})


class Attempt(NamedTuple):
    """One try of a call: how it ended, and the pause that followed."""

    outcome: str
    seconds: float
    paused: float


class QianfanError(Exception):
    """The base of all errors of this package.

    Attributes:
        code: The platform's error code, or None where it gave none.
        message: What happened, without any secret.
        hint: What to do next, or an empty string.
        request_id: The platform's id of the request, or None.
        status: The HTTP status, or None where no reply came.
        attempts: What was tried, first to last.
        retry_after: The seconds the service asked to wait, or None.
        partial: What of a stream had arrived, or which parts of a split call had succeeded, as one
            reply; or None.
        inputs: Which inputs of a split call the failed part held, by their indexes; or None.
        headers: The reply's headers, with secrets masked.
    """

    code: int | str | None = None
    request_id: str | None = None
    status: int | None = None
    hint: str = ""
    retry_after: float | None = None
    partial: Any = None
    inputs: range | None = None

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.hint
        self.attempts: tuple[Attempt, ...] = ()
        self.headers = Headers()

    def __str__(self) -> str:
        """Say what happened and what to do next."""
        parts = [self._headline()]
        if self.request_id:
            parts.append(f"(request id {self.request_id})")
        if len(self.attempts) > 1:
            parts.append(f"(after {len(self.attempts)} attempts)")
        if self.hint:
            parts.append(f"→ {self.hint}")
        return " ".join(part for part in parts if part)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by state, so that no subclass has to repeat its signature."""
        return _restore, (type(self), self.args), self.__dict__

    @property
    def rate_limit(self) -> RateLimits:
        """What the service said of its rate limits."""
        return RateLimits.told(self.headers)

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed later without a change."""
        return False

    def _headline(self) -> str:
        return self.message


def _restore(cls: type[QianfanError], args: tuple[Any, ...]) -> QianfanError:
    error = cls.__new__(cls)
    error.args = args
    return error


class InvalidArgumentError(QianfanError, ValueError):
    """The call cannot be right as it is; nothing was sent."""


class ArgumentNotFoundError(InvalidArgumentError):
    """A required argument is missing."""


class ValidationError(InvalidArgumentError):
    """A value does not fit what the platform documents."""


class BudgetExceededError(QianfanError):
    """A call, or another attempt of it, may pass a budget of `client.budget`; it was not sent.

    Attributes:
        limits: The most `requests` and `tokens`; None where there is no limit.
        used: Those used, with `in_flight`, which requests under way may use; `call` is what the call may use.
    """

    limits: Limits
    used: Amount
    in_flight: Amount
    call: Amount
    passing = False

    @property
    def retryable(self) -> bool:
        """Whether the call fits should the requests under way turn out to use nothing."""
        return self.passing


class RequestError(QianfanError):
    """The exchange gave no usable reply.

    Attributes:
        body: The start of what came back, if anything, with secrets masked.
        status_code: The HTTP status, the name later SDKs used.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status: int | None = None,
        body: str = "",
        headers: Mapping[str, str] | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.body = body
        self.headers = Headers(headers or {})

    @property
    def status_code(self) -> int | None:
        """The HTTP status under the name later SDKs used."""
        return self.status

    @property
    def retryable(self) -> bool:
        """Whether the HTTP status is one that passes."""
        return self.status in PASSING_STATUSES


class ConnectionFailedError(RequestError, ConnectionError):
    """No connection, or it broke before the reply was whole."""

    __str__ = RequestError.__str__  # OSError's own would win otherwise and show nothing

    #: Whether trying again may help; a certificate or a name that does not resolve will not change.
    transient: bool = True
    #: Whether anything of the request may have been sent; not where no connection came about.
    sent: bool = True

    @property
    def retryable(self) -> bool:
        """Whether trying again may help."""
        return self.transient


class DeadConnectionError(ConnectionFailedError):
    """A reused connection had been closed by the other side before a byte of the reply arrived."""


class WorkerLostError(ConnectionFailedError):
    """The worker of a Ray cluster that had the call was lost; `engine="ray"` asks again, up to a few times."""


class RequestTimeoutError(RequestError, TimeoutError):
    """The time that `request_timeout` allows is over."""

    __str__ = RequestError.__str__


class RateLimitTimeoutError(RequestTimeoutError):
    """The time was over, or too short, before the call had its place in the rate limit; it was not sent."""


class StreamIncompleteError(RequestError):
    """A stream ended before its end mark; `partial` holds what arrived."""


class RateLimiterLostError(QianfanError):
    """The Redis of a shared rate limit cannot be reached, or not be used; the call was not sent."""


class JobError(QianfanError):
    """A job of fine-tuning did not finish.

    Attributes:
        job: The job, as it was last seen.
    """

    def __init__(self, message: str = "", job: Any = None, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.job = job

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the job without the keys it is asked for with: errors end up in logs and stores."""
        keyless = getattr(self.job, "keyless", None)
        return _restore, (type(self), self.args), {**self.__dict__, "job": keyless() if keyless else self.job}


class JobFailedError(JobError):
    """The job failed."""


class JobStoppedError(JobError):
    """The job was stopped."""


class JobTimeoutError(JobError, TimeoutError):
    """The job was not finished in time; it goes on."""

    __str__ = JobError.__str__  # OSError's own would win otherwise and show nothing


class BulkStoppedError(QianfanError):
    """A run of many requests was given up: one failed after the other, and no input was to blame.

    Attributes:
        failure: The last of the failures.
    """

    def __init__(self, failures: int, failure: QianfanError) -> None:
        super().__init__(
            f"{failures} requests in a row failed, the last one: {failure}",
            hint="see error.failure; what has an outcome is not lost, and with checkpoint= the next run goes on",
        )
        self.failure = failure


class WorkersLostError(QianfanError):
    """No worker of a Ray cluster is there to go on with a run."""

    hint = (
        "已有的结果没有丢；给出 checkpoint= 时下次运行接着做 "
        "(what has an outcome is not lost, and with checkpoint= the next run goes on)"
    )


class APIError(QianfanError):
    """The platform answered with an error.

    Attributes:
        error_code: The platform's code: an int on v1, a str on v2.
    """

    #: Whether errors of this class pass with time where no code says it.
    passing = False

    def __init__(self, error_code: int | str, error_msg: str, req_id: str | None = None) -> None:
        known = CODES.get(error_code)
        super().__init__(error_msg or (known.message if known else ""), hint=known.hint if known else "")
        self.code = self.error_code = error_code
        self.request_id = req_id

    @property
    def error_msg(self) -> str:
        """The platform's own words."""
        return self.message

    @property
    def req_id(self) -> str | None:
        """The request id under the name later SDKs used."""
        return self.request_id

    @property
    def retryable(self) -> bool:
        """Whether the code is one that passes with time."""
        known = CODES.get(self.error_code)
        if known is not None and (known.retryable or isinstance(self.error_code, int)):
            return known.retryable
        return self.passing or self.status in PASSING_STATUSES  # v2's words come with a status

    def _headline(self) -> str:
        return f"[{self.error_code}] {self.message}"


class AuthError(APIError):
    """The credentials are wrong or may not do this."""


class AccessTokenExpiredError(AuthError):
    """The access token is refused, and so is the one fetched in its place."""


class RateLimitError(APIError):
    """Too many calls or tokens, or an overloaded service."""

    passing = True


class QuotaError(APIError):
    """A daily or total quota is used up, or a bill is open."""


class BadRequestError(APIError):
    """The platform refuses the request as it is."""


class InternalError(APIError):
    """The service failed."""

    passing = True


class ParseError(QianfanError):
    """A reply came, but not with the value that was asked for.

    Args:
        message: What happened.
        reply: The reply.
        text: What the model wrote.
        hint: What to do next.

    Attributes:
        reply: The reply, or None where the text came without one.
        text: What the model wrote.
    """

    def __init__(
        self, message: str = "", reply: Response | None = None, *, text: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.reply = reply
        self.text = text
        if reply is not None:
            self.status = reply.code
            self.request_id = reply.request_id
            self.headers = reply.headers

    @property
    def usage(self) -> Usage:
        """The tokens used, 0 where the service gave none."""
        return self.reply.usage if self.reply is not None else Usage()


class ReplyTruncatedError(ParseError):
    """The reply was cut by the limit of tokens."""


class ReplyRefusedError(ParseError):
    """The model or the service would not answer; `text` is what it said instead."""


class ReplyInvalidError(ParseError, ValueError):
    """The reply is no JSON, or not what was asked for.

    Args:
        message: What happened.
        reply: The reply.
        text: What the model wrote.
        path: Where the fault is, such as `cities[0].name`; empty for the whole.
        expected: What should be there.
        got: The start of what is there.
        hint: What to do next.
    """

    def __init__(
        self,
        message: str = "",
        reply: Response | None = None,
        *,
        text: str = "",
        path: str = "",
        expected: str = "",
        got: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, reply, text=text, hint=hint)
        self.path = path
        self.expected = expected
        self.got = got


class NotImplmentError(QianfanError, NotImplementedError):
    """Not offered by this class (the spelling is the original SDK's)."""


# Names that code written for earlier SDKs catches.
QianfanRequestError = RequestError
BearerTokenExpiredError = AccessTokenExpiredError
FileSizeOverflow = ValidationError
