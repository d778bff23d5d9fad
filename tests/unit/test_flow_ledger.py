"""A call and the books, driven by hand: what each attempt counts as, and what a budget lets through."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from qianfan.core.auth.static import NoAuth
from qianfan.core.effects import Emit, Open, Reserve, Send
from qianfan.core.flow import stream, unary
from qianfan.core.ledger import REFUSED, SILENT, UNTOLD, Amount, Budget, Ledger, Used
from qianfan.core.limits import RateLimiter
from qianfan.core.retry import RetryPolicy
from qianfan.core.v1 import V1
from qianfan.errors import (
    AuthError,
    BudgetExceededError,
    ConnectionFailedError,
    DeadConnectionError,
    QianfanError,
    RequestTimeoutError,
)

from .interpreter import Script
from .test_flow import (
    ANSWER,
    ANSWER_STREAM,
    CALL,
    HEAD,
    call,
    error_event,
    event,
    exchange,
    listen,
    refusal,
    reply,
)
from .test_ledger import ledger

ONCE = RetryPolicy(attempts=1)
ESTIMATE = 400


def tokens(total: int) -> dict[str, Any]:
    """Return the usage field of a reply."""
    return {"usage": {"prompt_tokens": 1, "completion_tokens": total - 1, "total_tokens": total}}


def unconnected() -> ConnectionFailedError:
    """Return the error for a connection that never was."""
    error = ConnectionFailedError("refused")
    error.sent = False
    return error


def kept(act: Any, script: Script, **rules: Any) -> tuple[Used, Budget]:
    """Make a call under a budget, whether it succeeds or not; return what was counted, and the budget."""
    book = ledger()
    with Budget(book) as budget, suppress(QianfanError):
        act(script, ledger=book, model="m", budgets=book.budgets, tokens=ESTIMATE, **rules)
    assert budget.in_flight == Amount(0, 0)
    assert set(book.usage) <= {"m"}
    return book.usage.sum, budget


@pytest.mark.parametrize(
    ("answer", "used", "held"),
    [
        (reply(result="a", **tokens(10)), Used(1, 1, 9, 10), 10),
        (reply(result="a"), UNTOLD, ESTIMATE),
        (reply(result="a", usage=7), UNTOLD, ESTIMATE),
        (refusal(336003), REFUSED, 0),
        (reply(500), SILENT, ESTIMATE),
        (ConnectionFailedError("reset"), SILENT, ESTIMATE),
        (RequestTimeoutError("late"), SILENT, ESTIMATE),
        (unconnected(), Used(), 0),
    ],
    ids=["told", "not told", "nonsense", "refused", "HTTP 500", "broken", "late", "not sent"],
)
def test_unary(answer: Any, used: Used, held: int) -> None:
    """A reply says what it used, a refusal used nothing, silence maybe all; what was not sent is no request."""
    counted, budget = kept(call, Script(answer), policy=ONCE)

    assert counted == used
    assert budget.used == Amount(used.requests, held)


@pytest.mark.parametrize(
    ("answers", "used", "held"),
    [
        ((HEAD, event("a", **tokens(2)), event("b", end=True, **tokens(30)), b""), Used(1, 1, 29, 30), 30),
        ((HEAD, event("a"), event("b", end=True), b""), UNTOLD, ESTIMATE),
        ((HEAD, event("a", **tokens(10)), error_event(336000)), Used(1, 1, 9, 10, 1, 1), ESTIMATE),
        ((HEAD, event("a", **tokens(500)), b""), Used(1, 1, 499, 500, 1, 1), 500),
        ((HEAD, event("a"), ConnectionFailedError("reset")), SILENT, ESTIMATE),
        ((HEAD, error_event(336000)), REFUSED, 0),
        ((HEAD, b""), SILENT, ESTIMATE),
        ((unconnected(),), Used(), 0),
        (
            (reply(result="whole", **tokens(20)), reply(result="whole", **tokens(20)).body, b""),
            Used(1, 1, 19, 20),
            20,
        ),
    ],
    ids=[
        *("whole", "not told", "failed amid", "cut", "broken", "refused", "empty", "not sent"),
        "a whole answer",
    ],
)
def test_streams(answers: Any, used: Used, held: int) -> None:
    """A stream that ends says what it used; of one that does not, the estimate stands unless more is told."""
    counted, budget = kept(listen, Script(*answers), policy=ONCE)

    assert counted == used
    assert budget.used == Amount(used.requests, held)


@pytest.mark.parametrize("failure", [refusal(18), DeadConnectionError("dead")], ids=["refused", "dead"])
@pytest.mark.parametrize(
    ("act", "success"), [(call, (ANSWER,)), (listen, ANSWER_STREAM)], ids=["unary", "stream"]
)
def test_every_attempt_is_a_request(act: Any, success: Any, failure: Any) -> None:
    """What is tried again counts again, replays too, since the service may have seen them."""
    script = Script(
        *((HEAD, error_event(18)) if act is listen and failure == refusal(18) else (failure,)), *success
    )

    counted, budget = kept(act, script)

    assert (counted.requests, counted.failed, budget.used.requests) == (2, 1, 2)


class Refusing(NoAuth):
    """An auth that fails the first or the second time it is asked for an attempt."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.left = at
        self.ages = True

    def authorise(self, *arguments: Any) -> Any:
        """Count down, then fail."""
        self.left -= 1
        if not self.left:
            raise AuthError(14, "no")
        return super().authorise(*arguments)


@pytest.mark.parametrize("at", [1, 2])
def test_what_gets_no_credential_is_not_sent(at: int) -> None:
    """A call that fails before it is sent is no request, and gives back what was held for it."""
    counted, budget = kept(call, Script(), auth=Refusing(at), policy=ONCE, limiter=RateLimiter(5))

    assert counted == Used()
    assert budget.used == Amount(0, 0)


@pytest.mark.parametrize(
    ("act", "success"), [(call, (ANSWER,)), (listen, ANSWER_STREAM)], ids=["unary", "stream"]
)
def test_what_gets_no_place_is_not_sent(act: Any, success: Any) -> None:
    """A call whose place in the rate limit comes too late is no request."""
    limiter = RateLimiter(request_per_minute=1)
    act(Script(*success), limiter=limiter)

    counted, budget = kept(act, Script(), limiter=limiter, timeout=30)

    assert counted == Used()
    assert budget.used == Amount(0, 0)


@pytest.mark.parametrize(
    ("make", "until", "used", "held"),
    [
        (lambda made: unary(made, V1(CALL).decode), Reserve, Used(), 0),
        (lambda made: unary(made, V1(CALL).decode), Send, UNTOLD, ESTIMATE),
        (lambda made: stream(made, V1(CALL)), Reserve, Used(), 0),
        (lambda made: stream(made, V1(CALL)), Open, UNTOLD, ESTIMATE),
        (lambda made: stream(made, V1(CALL)), Emit, Used(1, 1, 9, 10, 0, 1), ESTIMATE),
    ],
    ids=["waiting", "sent", "stream waiting", "stream sent", "stream read"],
)
def test_broken_off(make: Any, until: Any, used: Used, held: int) -> None:
    """A call that is cancelled may have been billed once it was sent, and is no failure of the service."""
    book = ledger()
    limiter = RateLimiter(5)
    place = limiter.enter()
    with Budget(book) as budget:
        made = exchange(
            ledger=book, model="m", budgets=book.budgets, tokens=ESTIMATE, limiter=limiter, policy=ONCE
        )
        flow = make(made)
        effect: Any = next(flow)
        while not isinstance(effect, until):
            answers = {"Now": 1000.0, "Reserve": place, "Open": HEAD, "Receive": event("a", **tokens(10))}
            effect = flow.send(answers[type(effect).__name__])
        assert budget.in_flight == Amount(1, ESTIMATE)
        flow.close()

    assert book.usage.sum == used
    assert (budget.used, budget.in_flight) == (Amount(used.requests, held), Amount(0, 0))


@pytest.mark.parametrize(
    ("act", "failure"),
    [(call, (refusal(18),)), (listen, (HEAD, error_event(18)))],
    ids=["unary", "stream"],
)
@pytest.mark.parametrize("requests", [0, 1, 2])
def test_what_would_pass_is_not_sent(act: Any, failure: Any, requests: int) -> None:
    """The budget is asked before each attempt, retries too; the error tells what was tried before."""
    book, script = ledger(), Script(*failure * requests)
    with Budget(book, requests=requests) as budget, pytest.raises(BudgetExceededError) as caught:
        act(script, ledger=book, model="m", budgets=book.budgets, tokens=1)

    assert len(script.seen(Send)) + len(script.seen(Open)) == budget.used.requests == requests
    assert [attempt.outcome for attempt in caught.value.attempts] == ["RateLimitError 18"] * requests


def test_a_call_that_does_not_fit_takes_no_place() -> None:
    """What will not be sent does not hold up those behind it."""
    book, script = ledger(), Script()
    with Budget(book, tokens=10), pytest.raises(BudgetExceededError):
        call(script, ledger=book, budgets=book.budgets, tokens=11, limiter=RateLimiter(1))

    assert script.asked == []


def test_notice_hears_of_no_budget() -> None:
    """What was not tried is no attempt that failed."""
    book, heard = ledger(), []
    with Budget(book, requests=0), suppress(BudgetExceededError):
        call(Script(), ledger=book, budgets=book.budgets, notice=heard.append)

    assert heard == []


def test_without_a_budget() -> None:
    """What nobody limits is counted all the same."""
    book: Ledger = ledger()
    call(Script(reply(result="a", **tokens(10))), ledger=book, model="m")

    assert dict(book.usage) == {"m": Used(1, 1, 9, 10)}
