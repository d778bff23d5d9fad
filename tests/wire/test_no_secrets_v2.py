"""That no key or bearer of v2 shows, whatever goes wrong, in whatever spelling a service echoes it."""

from __future__ import annotations

import logging
import pickle
import traceback
from urllib.parse import quote

import pytest
from support.replies import CLOSE, RESET, STALL, head, page, stream, whole
from support.v2 import answered, chunk, error_body, exchange_refused, exchanged, framed, refused, streamed
from support.worlds import KEY, SK, crosswise

from qianfan.errors import QianfanError

BEARER = "bce-v3/ALTAK-b3ar3r/f00df00df00df00df00df00df00df00df00df00d"
PROVIDED = "pr0v1d3d.of-2023/with+slashes=="
SECRETS = (KEY, BEARER, PROVIDED, SK)

CREDENTIALS = {
    "key": {"api_key": KEY},
    "exchanged": {"access_key": "ALTAKvisible", "secret_key": SK},
    "provided": {"token_provider": lambda: PROVIDED},
}


def spellings(secret):
    """Return the spellings of a secret that must not show either."""
    return {secret, quote(secret, safe=""), secret.replace("/", "\\/")}


#: An echo of all that was or could have been sent, in every spelling.
ECHO = " ".join(spelt for secret in SECRETS for spelt in sorted(spellings(secret)))


def told(error):
    """Return everything an error tells: message, repr, arguments, fields, the traceback, and its pickle."""
    chain = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    fields = {name: value for name, value in vars(error).items() if name != "partial"}
    return "\n".join(
        [str(error), repr(error), repr(error.args), repr(fields), chain, repr(pickle.dumps(error))]
    )


def shown(text):
    """Return which secrets show in a text; of a bearer with a known shape no part may."""
    return [spelt for secret in SECRETS for spelt in spellings(secret) if spelt in text]


#: Every kind of failure of the call.
FAILURES = {
    "an error": refused(400, "invalid_argument", ECHO),
    "an error that passes": refused(429, "rpm_rate_limit_exceeded", ECHO),
    "a refused bearer": refused(401, "invalid_iam_token", ECHO),
    "an error in other words": whole({"error": ECHO}, 400),
    "a code that quotes": refused(400, ECHO, "m"),
    "a header that quotes": refused(400, "invalid_argument", "m", X_Echo=f"Bearer {KEY} {BEARER} {PROVIDED}"),
    "a page": page(502, f"<html>{ECHO}</html>"),
    "a page with 200": page(200, f"<html>{ECHO}</html>"),
    "a list": whole([ECHO]),
    "no choices": whole({"id": ECHO}),
    "a reset": (RESET,),
    "a close": (CLOSE,),
    "a bad status line": (f"HTTP/9.9 {KEY} {BEARER}\r\n\r\n".encode(), CLOSE),
    "a bad length": (head(200, Content_Length=KEY) + b"x", CLOSE),
    "no answer": (STALL,),
    "an event that is none": stream(*framed(chunk("你")), f"data: {ECHO}\n\n".encode()),
    "an error within a stream": stream(*framed(chunk("你"), error_body("brand_new", ECHO))),
    "a stream that is cut": stream(*framed(chunk("你")), RESET),
}

#: Every kind of failure of the exchange.
EXCHANGES = {
    "refused": exchange_refused(403, "SignatureDoesNotMatch", ECHO),
    "a page": page(502, ECHO),
    "a page with 200": page(200, ECHO),
    "no times": whole({"token": BEARER, "echo": ECHO}),
    "a reset": (RESET,),
    "no answer": (STALL,),
}


@pytest.fixture(autouse=True)
def _everything_logged(caplog):
    for logger in ("urllib3", "aiohttp", "asyncio", "qianfan", "http.client"):
        caplog.set_level(logging.DEBUG, logger)


def logged(caplog):
    """Return all that was logged."""
    return caplog.text + repr([record.__dict__ for record in caplog.records])


@crosswise
@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_tells_a_secret(world, server, make_v2, caplog, credential, failure):
    """Whatever fails, neither the error nor any log shows a key, a secret or a bearer."""
    server.always_exchange(exchanged(BEARER))
    server.always(FAILURES[failure])
    own = CREDENTIALS[credential]
    error = world.ask(make_v2(**own).chat, request_timeout=0.2 if failure == "no answer" else 5).error
    carries = {"key": KEY, "exchanged": BEARER, "provided": PROVIDED}[credential]

    if error is None:
        assert "stream" in failure or "event" in failure  # a whole call may read what a stream cannot
        return
    assert isinstance(error, QianfanError)
    everything = told(error) + logged(caplog)
    mine = {carries, SK} if credential == "exchanged" else {carries}
    assert [spelt for secret in mine for spelt in spellings(secret) if spelt in everything] == []
    # What looks like a key is masked whoever's it is.
    assert [secret for secret in (KEY, BEARER) if secret in everything] == []


@crosswise
@pytest.mark.parametrize("failure", EXCHANGES)
def test_no_failure_of_the_exchange_does(world, server, make_v2, pair, caplog, failure):
    """Nor does one of the exchange."""
    server.always_exchange(EXCHANGES[failure])
    error = world.ask(make_v2(**pair).chat, request_timeout=0.2 if failure == "no answer" else 5).error

    assert isinstance(error, QianfanError)
    everything = told(error) + logged(caplog)
    assert [spelt for secret in (SK, BEARER, KEY) for spelt in spellings(secret) if spelt in everything] == []


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_no_call_that_succeeds_logs_one(world, server, make_v2, caplog, credential):
    """A call that goes well, also at a second attempt, logs none."""
    if world.loop:
        world.loop.set_debug(True)
    server.answer_exchange(exchanged(BEARER))
    server.answer(refused(401, "invalid_iam_token"), refused(500, "internal_error"))
    server.always(streamed() if world.streams else answered())
    outcome = world.ask(make_v2(**CREDENTIALS[credential]).chat)

    assert (outcome.error is None) is (credential != "key")  # a key has no second one
    assert "qianfan" in caplog.text
    assert shown(logged(caplog)) == []


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_no_repr_shows_one(world, server, make_v2, credential):
    """Client, settings, credential, authorisation and replies show none in their repr."""
    server.always_exchange(exchanged(BEARER))
    client = make_v2(**CREDENTIALS[credential])
    reply = world.ask(client.chat).reply
    things = [
        client,
        client.chat,
        client._settings,
        client._settings.credential,
        client._route.auth,
        reply,
        vars(client),
    ]

    assert shown(repr(things)) == []
