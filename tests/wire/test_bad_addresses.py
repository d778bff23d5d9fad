"""What is said about an address that leads nowhere."""

from __future__ import annotations

import pytest
from support.replies import page
from support.server import closed_port
from support.worlds import unary

from qianfan.errors import ConnectionFailedError, InvalidArgumentError, RequestError


def test_a_name_that_does_not_resolve_is_told(world, make):
    """A host name nobody knows is told as such, with the host."""
    error = world.ask(make(base_url="http://no-such-host.invalid").chat, retry_count=1).error

    assert type(error) is ConnectionFailedError
    assert "no-such-host.invalid" in str(error)
    assert "resolved" in str(error)
    assert "base_url" in str(error)


@unary
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_refused_connection_is_told(world, make, scheme):
    """A port on which nothing listens is told as such, with host and port."""
    address = f"{scheme}://127.0.0.1:{closed_port()}"
    error = world.ask(make(base_url=address).chat, retry_count=1).error

    assert type(error) is ConnectionFailedError
    assert isinstance(error, ConnectionError)
    assert f"the connection to {address} was refused" in str(error)


@pytest.mark.parametrize(
    "base_url",
    [
        "aip.baidubce.com",
        "//aip.baidubce.com",
        "ftp://aip.baidubce.com",
        "http://",
        "https:///path",
        "http//aip.baidubce.com",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:port",
        "http://[::1",
        "http://a b.test",
        "http://host/?query=1",
        "http://host/#fragment",
    ],
)
def test_a_base_url_that_is_none_is_the_callers_mistake(make, base_url):
    """A base_url that cannot be the start of an address is refused when the client is made, and quoted."""
    with pytest.raises(InvalidArgumentError, match="base_url"):
        make(base_url=base_url)


@unary
@pytest.mark.parametrize("host", ["a..b", "-x-.invalid", "x" * 64 + ".invalid", "你好.invalid"])
def test_a_host_that_cannot_be_one_is_told(world, make, host):
    """A host name that DNS cannot carry, or does not know, gives an error of this package."""
    error = None
    try:
        error = world.ask(make(base_url=f"http://{host}").chat, retry_count=1).error
    except InvalidArgumentError as refused:
        error = refused

    assert isinstance(error, ConnectionFailedError | InvalidArgumentError)


@unary
def test_another_service_at_the_address_is_told(world, server, chat):
    """A host that answers with a page of its own gives the status and a hint at base_url."""
    server.always_token(page(404, "<html>nothing here</html>"))
    error = world.ask(chat).error

    assert type(error) is RequestError
    assert (error.status, len(error.attempts)) == (404, 1)
    assert "404" in str(error)
    assert "base_url" in str(error)


@unary
def test_localhost_is_reached_by_name(world, server, make):
    """A name with several addresses is tried at each of them."""
    assert world.ask(make(base_url=f"http://localhost:{server.port}").chat).text == "你好，很高兴见到你。"
