"""That no secret shows, whatever goes wrong: in messages, tracebacks, logs and reprs."""

from __future__ import annotations

import asyncio
import logging
import pickle
import traceback

import pytest
from support.replies import (
    CLOSE,
    RESET,
    STALL,
    answer,
    event,
    events,
    head,
    page,
    refusal,
    stream,
    streamed,
    token_refusal,
    whole,
)
from support.server import closed_port
from support.worlds import MESSAGES, SK, World, crosswise, streams

import qianfan
from qianfan.errors import InvalidArgumentError, QianfanError

TOKEN = "24.t0k3n-that-nobody-must-see.2592000"
PASSWORD = "pr0xy-passw0rd"
LOGIN = f"proxy-user:{PASSWORD}"


def secrets(server):
    """Return all texts that must not show."""
    return [SK, TOKEN, PASSWORD, server.token(1), server.token(2), "c0de-of-access"]


def issue():
    """Return a reply with the token."""
    return whole({"access_token": TOKEN, "expires_in": 1000, "refresh_token": f"25.{TOKEN}"})


def told(error):
    """Return everything an error tells: message, repr, arguments, fields and the whole traceback."""
    chain = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    fields = {name: value for name, value in vars(error).items() if name != "partial"}
    return "\n".join(
        [str(error), repr(error), repr(error.args), repr(fields), chain, repr(pickle.dumps(error))]
    )


#: An echo of what was sent, as gateways like to add to their error pages.
ECHO = (
    "<html>cannot POST /oauth/2.0/token?grant_type=client_credentials&client_id=x&client_secret={sk} "
    'nor /chat/eb-instant?access_token={token}, nor {{"access_token": "{token}", "client_secret":"{sk}"}}</html>'
)


def echo():
    """Return a page that quotes the Secret Key and the token."""
    return ECHO.format(sk=SK, token=TOKEN)


#: Every kind of failure: the script of the chat, and of the token call.
FAILURES = {
    "an error code": (refusal(336003, "bad"), None),
    "an error code that quotes": (refusal(336003, f"bad token {TOKEN} of {SK}"), None),
    "a busy service": (refusal(18, TOKEN), None),
    "a token refused": (refusal(110, f"no such token {TOKEN}"), None),
    "a page": (page(502, echo()), None),
    "a page with 200": (page(200, echo()), None),
    "a page in other words": (page(404, f"you said {SK} and {TOKEN}"), None),
    "a redirect": (page(302, "", Location=f"/x?access_token={TOKEN}"), None),
    "a list": (whole([TOKEN, SK]), None),
    "an unknown body": (whole({"access_token": TOKEN}, 500), None),
    "a reset": ((RESET,), None),
    "a close": ((CLOSE,), None),
    "a bad status line": ((f"HTTP/9.9 {TOKEN} {SK}\r\n\r\n".encode(), CLOSE), None),
    "a bad header": (
        (head(200)[:-2] + f"\x00{TOKEN}: {SK}\r\n\r\n".encode(), CLOSE),
        None,
    ),
    "a bad length": ((head(200, Content_Length=TOKEN) + b"x", CLOSE), None),
    "a bad chunk": ((head(200, Transfer_Encoding="chunked") + f"{TOKEN}\r\n".encode(), CLOSE), None),
    "no answer": ((STALL,), None),
    "a stream with a bad event": (stream(events("你", "好")[0], f"data: {TOKEN} {SK}\n\n".encode()), None),
    "a stream with an error": (
        stream(events("你", "好")[0], event({"error_code": 336003, "error_msg": f"{TOKEN} {SK}"})),
        None,
    ),
    "a stream cut": (stream(events("你", "好")[0], RESET), None),
    "keys refused": (None, token_refusal(f"Client authentication failed for {SK}")),
    "a token page": (None, page(502, echo())),
    "a token page with 200": (None, page(200, echo())),
    "no token in the reply": (None, whole({"refresh_token": TOKEN, "session_secret": SK})),
    "a token reset": (None, (RESET,)),
    "a token stall": (None, (STALL,)),
}


@crosswise
@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_tells_a_secret(world, server, chat, caplog, failure):
    """Whatever fails, neither the error nor any log at DEBUG level shows token or Secret Key."""
    caplog.set_level(logging.DEBUG)
    script, token_script = FAILURES[failure]
    server.always_token(token_script or issue())
    if script:
        server.always(script)
    error = world.ask(chat, request_timeout=0.1 if "stall" in failure or failure == "no answer" else 5).error

    assert error is not None or not world.streams or failure.startswith("a stream")
    if error is None:
        return  # a whole call may read what a stream cannot
    assert isinstance(error, QianfanError)
    everything = told(error) + caplog.text + repr([record.__dict__ for record in caplog.records])
    assert [secret for secret in secrets(server) if secret in everything] == []


def test_no_call_that_succeeds_logs_a_secret(world, server, chat, caplog):
    """A call that goes well, also at the second attempt, shows no secret in any log at DEBUG level."""
    caplog.set_level(logging.DEBUG)
    for logger in ("urllib3", "aiohttp", "asyncio", "qianfan", "http.client"):
        caplog.set_level(logging.DEBUG, logger)
    if world.loop:
        world.loop.set_debug(True)
    server.answer_token(issue())
    server.answer(refusal(111), refusal(18), streamed() if world.streams else answer())
    assert world.ask(chat).text == "你好，很高兴见到你。"

    everything = caplog.text + repr([record.__dict__ for record in caplog.records])
    assert "qianfan" in caplog.text
    assert [secret for secret in secrets(server) if secret in everything] == []


def test_a_refused_proxy_tells_no_password(world, server, make, caplog):
    """A proxy that is not there is named without login, in errors and in logs."""
    caplog.set_level(logging.DEBUG)
    for scheme in ("http", "https"):
        proxy = f"http://{LOGIN}@127.0.0.1:{closed_port()}"
        error = world.ask(make(base_url=f"{scheme}://qianfan.test", proxy=proxy).chat).error

        assert isinstance(error, QianfanError)
        everything = told(error) + caplog.text
        assert [secret for secret in secrets(server) if secret in everything] == []


def test_a_password_in_the_base_url_is_refused_and_not_told():
    """Credentials have no place in `base_url`; the message about them does not quote them."""
    with pytest.raises(InvalidArgumentError) as caught:
        qianfan.Qianfan(ak="a", sk=SK, base_url=f"http://{LOGIN}@127.0.0.1:1")

    assert [secret for secret in (PASSWORD, SK) if secret in told(caught.value)] == []


def test_no_repr_shows_a_secret(server, network, monkeypatch):
    """Client, classic object, settings, credential and stream show no secret in their repr."""
    monkeypatch.setenv("QIANFAN_PROXY", f"http://{LOGIN}@127.0.0.1:1")
    monkeypatch.setenv("QIANFAN_ACCESS_CODE", "c0de-of-access")
    shown = []
    for credential in ({"ak": "public-ak", "sk": SK}, {"access_token": TOKEN}, {}):
        client = qianfan.Qianfan(base_url=server.url, **credential, **network)
        classic = qianfan.ChatCompletion(base_url=server.url, **credential, **network)
        for thing in (client, client.chat, classic, client._settings, client._pool, client._route.auth):
            shown += [repr(thing), str(thing)]
        shown += [repr(vars(client)), repr(vars(classic))]
        client.close()
        classic._client.close()

    assert [secret for secret in secrets(server) if secret in "\n".join(shown)] == []


@streams
def test_no_repr_of_a_stream_shows_a_secret(world, server, chat):
    """An open stream and its replies show no secret in their repr."""
    opened = world.open(chat)
    shown = repr(opened.stream) + repr(opened.collect())

    assert [secret for secret in secrets(server) if secret in shown] == []


def test_mistakes_in_arguments_tell_no_secret(server):
    """A credential in the wrong place is not quoted in the message about it."""
    messages = []
    for wrong in (
        {"ak": "ALTAKabcdefgh12345678", "sk": SK},
        {"sk": SK},
        {"ak": "a", "sk": TOKEN.replace("t0k3n-that-nobody-must-see", "0123456789abcdef0123456789abcdef")},
        {"ak": "a", "sk": SK, "proxy": f"socks5://{LOGIN}@127.0.0.1:1"},
        {"ak": "a", "sk": SK, "base_url": f"ftp://{LOGIN}@127.0.0.1"},
        {"ak": "a", "sk": SK, "retry_count": -1},
    ):
        with pytest.raises(QianfanError) as caught:
            qianfan.Qianfan(**wrong)
        messages.append(told(caught.value).replace(repr(wrong), ""))

    assert [secret for secret in secrets(server) if secret in "\n".join(messages)] == []


def test_a_task_in_debug_mode_tells_no_secret(server, chat, caplog):
    """The debug mode of asyncio, which logs slow callbacks and pending tasks, shows no secret."""
    caplog.set_level(logging.DEBUG)
    server.answer_token(issue())

    async def scene():
        asyncio.get_running_loop().slow_callback_duration = 0
        await chat.ado(MESSAGES)
        stream = await chat.ado(MESSAGES, stream=True)
        async for _ in stream:
            pass
        print(repr(asyncio.all_tasks()))  # noqa: T201  # as a debugger would

    asyncio.run(scene(), debug=True)

    assert "Executing" in caplog.text
    assert [secret for secret in secrets(server) if secret in caplog.text] == []


def test_the_reply_to_a_token_call_is_not_in_the_error_of_a_call(server, make):
    """A token that a call failed with is not in the error, under whatever name the service quotes it."""
    server.answer_token(issue())
    server.always(whole({"error_code": 100, "error_msg": f"Invalid parameter: {TOKEN!r}"}))
    world = World("sync")
    error = world.ask(make().chat).error

    assert error.error_msg == "Invalid parameter: '***'"
