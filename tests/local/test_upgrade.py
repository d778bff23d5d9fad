"""Clients that would rather speak another protocol, as Java's does on every first request: they get HTTP/1.1."""

from __future__ import annotations

import json

import pytest
from v2_caller import MODEL
from wire_caller import Wire, ask, head

TARGET = "/v2/chat/completions"
BODY = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "你好"}]}).encode()
WHOLE = (f"Content-Length: {len(BODY)}",), BODY
CHUNKED = ("Transfer-Encoding: chunked",), b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
H2C = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAAB")
WEBSOCKET = ("Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")


@pytest.fixture
def key(shared):
    """The header with a good key."""
    return f"Authorization: Bearer {shared.platform.api_key}"


@pytest.mark.parametrize("wish", [H2C, WEBSOCKET], ids=["h2c", "websocket"])
@pytest.mark.parametrize(("lines", "body"), [WHOLE, CHUNKED], ids=["whole", "chunked"])
@pytest.mark.parametrize("cut", [0, 100, None], ids=["later", "in two", "at once"])
def test_a_request_with_a_body(shared, key, wish, lines, body, cut):
    """The body belongs to the request, however it comes; the request behind it is answered too."""
    asked = head(TARGET, key, *wish, *lines, method="POST")
    begun = len(asked) + (len(body) if cut is None else min(cut, len(body)))
    data = asked + body
    with Wire(shared.platform) as wire:
        wire.send(data[:begun])
        wire.send(data[begun:] + head("/v2/models", key, *wish), head("/v2/models"))
        answers = [wire.answer() for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 200, 401]
    assert answers[0].content["choices"][0]["message"]["content"]
    assert shared.platform.calls("chat").last.messages == [{"role": "user", "content": "你好"}]


@pytest.mark.parametrize("wish", [H2C, WEBSOCKET], ids=["h2c", "websocket"])
def test_a_request_without_a_body(shared, key, wish):
    """Requests that come one after another on a connection, each with the wish, are all answered."""
    with Wire(shared.platform) as wire:
        for _ in range(3):
            wire.send(head("/v2/models", key, *wish))
            assert wire.answer().status == 200


def test_the_rest_of_the_head_is_kept(shared, key):
    """All other headers are the request's own."""
    ask(shared.platform, head("/v2/models?a=%20b", key, *H2C, "Request_id: ä"))
    call = shared.platform.calls("models").last

    assert (call.query, call.headers["request_id"]) == ({"a": " b"}, "ä")
    assert "upgrade" not in call.headers


@pytest.mark.parametrize("host", [b"Host: evil.example\r\n", b""], ids=["another name", "none"])
def test_it_is_no_way_around_the_guard(shared, host):
    """Who is not let in is not let in with a wish either."""
    assert ask(shared.platform, head("/v2/models", *H2C, host=host)).status in {400, 421}


@pytest.mark.parametrize("target", ["evil.example:443", "127.0.0.1:80", "/", "http://127.0.0.1/"])
def test_the_platform_is_no_proxy(shared, target):
    """To connect elsewhere is refused."""
    assert ask(shared.platform, head(target, method="CONNECT")).status == 400


def test_a_target_with_a_host(shared):
    """A target may be a whole address; the name that counts is that in `Host`."""
    statuses = [
        ask(shared.platform, head("http://evil.example/v2/models?a=1", host=host)).status
        for host in (b"Host: 127.0.0.1\r\n", b"Host: evil.example\r\n")
    ]
    assert statuses == [401, 421]
