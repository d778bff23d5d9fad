"""Calls through an HTTP proxy: which one, how, and what it is told."""

from __future__ import annotations

import ssl
from base64 import b64encode
from urllib.parse import quote

import pytest
from support.replies import page, refusal
from support.server import Server, closed_port
from support.worlds import unary

from qianfan.errors import ConnectionFailedError, InvalidArgumentError, RequestError

GREETING = "你好，很高兴见到你。"

#: A host that only the proxy knows.
NAME = "qianfan.test"

LOGIN = "user:p@ss/w0rd%"
QUOTED = "user:" + quote("p@ss/w0rd%", safe="")


@pytest.fixture
def server():
    """Return a proxy that plays every host it is asked for."""
    with Server(proxy=True) as running:
        yield running


@pytest.fixture
def tunnel(authority):
    """Return a proxy that leads to a TLS host."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME).configure_cert(context)
    with Server(tls=context, proxy=True) as running:
        yield running


def via(proxy: Server, login: str = "") -> str:
    """Return a proxy's URL."""
    return f"http://{login}@127.0.0.1:{proxy.port}" if login else proxy.url


def test_http_goes_through_the_proxy_as_whole_urls(world, server, make):
    """A plain request is sent to the proxy with its whole URL; the name is the proxy's to resolve."""
    assert world.ask(make(base_url=f"http://{NAME}", proxy=via(server)).chat).text == GREETING

    (sent,) = server.requests
    assert sent.target.startswith(f"http://{NAME}/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/eb-instant?")
    assert sent.headers["host"] == NAME
    assert "proxy-authorization" not in sent.headers
    assert server.tunnels == []


def test_https_goes_through_a_tunnel(world, tunnel, make):
    """A TLS request goes through a tunnel, in which the proxy reads nothing."""
    assert world.ask(make(base_url=f"https://{NAME}", proxy=via(tunnel)).chat).text == GREETING

    assert {asked.target for asked in tunnel.tunnels} == {f"{NAME}:443"}
    assert tunnel.requests[0].target.startswith("/rpc/2.0/")
    assert tunnel.connections == 1


@unary
def test_a_tunnel_verifies_the_host_behind_it(world, tunnel, make):
    """The certificate at the end of the tunnel is the host's, and is verified for its name."""
    error = world.ask(make(base_url="https://elsewhere.test", proxy=via(tunnel)).chat).error

    assert type(error) is ConnectionFailedError
    assert "certificate" in str(error)
    assert "elsewhere.test" in str(error)
    assert len(error.attempts) == 1
    assert tunnel.token_requests == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_proxys_login_is_sent_to_the_proxy_alone(world, server, tunnel, make, scheme):
    """Login and password of the proxy's URL, quoted there, go to the proxy; through a tunnel goes none of it."""
    proxy = {"http": server, "https": tunnel}[scheme]
    proxy.proxy_login = LOGIN

    assert world.ask(make(base_url=f"{scheme}://{NAME}", proxy=via(proxy, QUOTED)).chat).text == GREETING
    expected = f"Basic {b64encode(LOGIN.encode()).decode()}"
    asked = proxy.tunnels if scheme == "https" else proxy.requests
    assert {sent.headers["proxy-authorization"] for sent in asked} == {expected}
    if scheme == "https":
        assert "proxy-authorization" not in proxy.requests[0].headers


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("login", ["", "user:" + "wr0ng-passw0rd"], ids=["no login", "wrong login"])
def test_a_proxy_that_wants_another_login_is_told(world, server, tunnel, make, scheme, login):
    """A proxy's 407 is told, with the status, and without the password."""
    proxy = {"http": server, "https": tunnel}[scheme]
    proxy.proxy_login = LOGIN
    error = world.ask(make(base_url=f"{scheme}://{NAME}", proxy=via(proxy, login)).chat).error

    assert isinstance(error, RequestError)
    assert "407" in str(error)
    assert "wr0ng-passw0rd" not in f"{error} {error!r}"
    assert (proxy.token_requests, len(error.attempts)) == ([], 1)


def test_a_proxy_that_is_not_there_is_told(world, make):
    """A proxy that refuses connections is named in the error, without its password."""
    port = closed_port()
    client = make(base_url=f"http://{NAME}", proxy=f"http://user:{'s3cret-w0rd'}@127.0.0.1:{port}")
    error = world.ask(client.chat).error

    assert type(error) is ConnectionFailedError
    assert f"127.0.0.1:{port}" in str(error)
    assert "proxy" in str(error)
    assert "s3cret-w0rd" not in f"{error} {error!r} {client!r} {client._settings!r} {client.chat!r}"


#: Which variables lead a call to the host `qianfan.test` through the proxy, by scheme.
ENVIRONMENTS = [
    ("http", {"QIANFAN_PROXY": "{url}"}, True),
    ("https", {"QIANFAN_PROXY": "{url}"}, True),
    ("http", {"QIANFAN_PROXY": "{bare}"}, True),
    ("http", {"HTTP_PROXY": "{url}"}, True),
    ("http", {"http_proxy": "{bare}"}, True),
    ("https", {"HTTPS_PROXY": "{url}"}, True),
    ("https", {"https_proxy": "{url}"}, True),
    ("http", {"ALL_PROXY": "{url}"}, True),
    ("http", {"HTTPS_PROXY": "{url}"}, False),
    ("https", {"HTTP_PROXY": "{url}"}, False),
    ("http", {"HTTP_PROXY": "{url}", "NO_PROXY": NAME}, False),
    ("http", {"HTTP_PROXY": "{url}", "no_proxy": "a.test,.test"}, False),
    ("http", {"HTTP_PROXY": "{url}", "NO_PROXY": "*"}, False),
    ("http", {"HTTP_PROXY": "{url}", "NO_PROXY": "other.test"}, True),
    ("http", {"QIANFAN_PROXY": "{url}", "NO_PROXY": "*"}, True),
    ("http", {"QIANFAN_PROXY": "{url}", "HTTP_PROXY": "http://127.0.0.1:1"}, True),
]


@unary
@pytest.mark.parametrize(("scheme", "environment", "proxied"), ENVIRONMENTS)
def test_the_environment_names_the_proxy(
    world, server, tunnel, make, monkeypatch, scheme, environment, proxied
):
    """QIANFAN_PROXY leads every call, HTTP_PROXY and HTTPS_PROXY those of their scheme, unless NO_PROXY exempts it."""
    proxy = {"http": server, "https": tunnel}[scheme]
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value.format(url=proxy.url, bare=f"127.0.0.1:{proxy.port}"))
    client = make(base_url=f"{scheme}://{NAME}", ak="", sk="", access_token="t")
    outcome = world.ask(client.chat, retry_count=1, request_timeout=5)

    assert (outcome.error is None, len(proxy.requests)) == ((True, 1) if proxied else (False, 0))


@unary
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
def test_a_loopback_host_needs_no_proxy_of_the_environment(world, server, make, monkeypatch, variable):
    """This machine is reached directly, whatever HTTP_PROXY says: so the local platform is always reachable."""
    monkeypatch.setenv(variable, server.url)
    with Server() as near:
        assert world.ask(make(base_url=near.url).chat).text == GREETING
        assert world.ask(make(base_url=f"http://localhost:{near.port}").chat).text == GREETING
        assert len(near.requests) == 2
    assert server.requests == []


@unary
def test_a_loopback_host_goes_through_a_proxy_that_is_asked_for(world, server, make):
    """`proxy=` leads to this machine too."""
    with Server() as near:
        assert world.ask(make(base_url=near.url, proxy=via(server)).chat).text == GREETING
        assert near.requests == []
    assert len(server.requests) == 1


@unary
def test_an_empty_proxy_argument_means_none(world, server, make, monkeypatch):
    """`proxy=""` goes directly, whatever the environment says."""
    monkeypatch.setenv("QIANFAN_PROXY", server.url)
    with Server() as near:
        assert world.ask(make(base_url=near.url, proxy="").chat).text == GREETING
        assert len(near.requests) == 1
    assert server.requests == []


@pytest.mark.parametrize("proxy", ["socks5://user:s3cret-w0rd@127.0.0.1:1080", "ftp://127.0.0.1"])
def test_a_proxy_of_another_kind_is_the_callers_mistake(make, proxy):
    """Only HTTP proxies are supported, and the message quotes no password."""
    with pytest.raises(InvalidArgumentError, match="proxy") as caught:
        make(proxy=proxy)

    assert "s3cret-w0rd" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_trouble_behind_the_proxy_is_tried_again(world, server, tunnel, make, scheme):
    """A call through a proxy is retried like any other."""
    proxy = {"http": server, "https": tunnel}[scheme]
    proxy.answer(refusal(18), page(502))

    assert world.ask(make(base_url=f"{scheme}://{NAME}", proxy=via(proxy)).chat).text == GREETING
    assert len(proxy.requests) == 3
