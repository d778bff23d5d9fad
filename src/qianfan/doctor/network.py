"""The ways to hosts: proxies, names, connections, certificates."""

from __future__ import annotations

import socket
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from threading import Thread
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from qianfan.core.http import Request
from qianfan.doctor.findings import NO_ANSWER, Finding, State, failed
from qianfan.drivers import tls
from qianfan.drivers.failures import connection_failure
from qianfan.errors import QianfanError
from qianfan.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from qianfan.settings import Network

T = TypeVar("T")


class Ways:
    """The ways to hosts, each looked at once.

    Args:
        env: The environment, which may name proxies.
        limit: Seconds that each look may take.
    """

    def __init__(self, env: Mapping[str, str], limit: float) -> None:
        self._env = env
        self._limit = limit
        self._networks: set[Network] = set()
        self._open: dict[str, bool] = {}  # by the address that is connected to

    def reach(self, network: Network, urls: list[str]) -> Generator[Finding, None, bool]:
        """Tell how hosts are reached; return whether all of them can be."""
        if network not in self._networks:
            self._networks.add(network)
            yield from self._rules(network, urls[0])
        reached = True
        for url in urls:
            address = network.proxy or _origin(url)
            if address not in self._open:
                finding = self._through(network.proxy, url) if network.proxy else self._direct(network, url)
                self._open[address] = finding.state is not State.BAD
                yield finding
            reached = reached and self._open[address]
        return reached

    def _rules(self, network: Network, url: str) -> Iterator[Finding]:
        """Tell what is set about proxies and certificates."""
        variable = self._proxy_variable(url)
        if variable and not network.proxy:
            says = f"{variable} 不用于此主机：本机，或在 NO_PROXY 中 (this machine, or in NO_PROXY: not used)"
            yield Finding("proxy", State.NOTE, says)
        if url.startswith("http:"):
            return
        if not network.verify:
            yield Finding(
                "tls",
                State.BAD,
                "不校验证书 (certificates are not verified)",
                "去掉 QIANFAN_SSL_VERIFICATION_ENABLED，用 SSL_CERT_FILE 指定可信的证书 "
                "(remove it, and name the certificates to trust)",
            )
        elif network.ca_bundle:
            yield Finding("tls", State.NOTE, f"可信的证书取自 (certificates to trust): {network.ca_bundle}")

    def _proxy_variable(self, url: str) -> str:
        """Return the variable that names a proxy for a URL, or an empty string."""
        wanted = ("qianfan_proxy", f"{urlsplit(url).scheme}_proxy", "all_proxy")
        named = [name for name, value in self._env.items() if name.lower() in wanted and value]
        return min(named, key=lambda name: wanted.index(name.lower()), default="")

    def _through(self, proxy: str, url: str) -> Finding:
        """Connect to the proxy that a host is reached through."""
        finding = self._connected("proxy", proxy, lambda: _address(proxy, self._limit))
        return finding._replace(says=f"{finding.says} ({self._proxy_variable(url) or 'get_config().PROXY'})")

    def _direct(self, network: Network, url: str) -> Finding:
        """Connect to a host, and shake hands where it speaks TLS."""
        if url.startswith("https:"):
            return self._connected("host", url, lambda: _shake_hands(url, network, self._limit))
        finding = self._connected("host", url, lambda: _address(url, self._limit))
        if finding.state is State.BAD or is_loopback(url):
            return finding
        advice = "http 不加密，密钥在途中可被读到：用 https (the key can be read on its way: use https)"
        return finding._replace(state=State.NOTE, advice=advice)

    def _connected(self, about: str, url: str, connect: Callable[[], str]) -> Finding:
        """Tell what an attempt to connect came to, and how long it took."""
        started = time.monotonic()
        try:
            how = within(self._limit, connect)
        except TimeoutError:
            says = f"{_origin(url)}：{self._limit:g} 秒内没有回应 (no answer within {self._limit:g} s)"
            return Finding(about, State.BAD, says, NO_ANSWER)
        except QianfanError as error:
            return failed(about, error)
        except (OSError, ValueError) as error:  # the latter for a name that no host can have
            return failed(about, connection_failure(Request("GET", url, {}), error))
        took = (time.monotonic() - started) * 1000
        return Finding(about, State.GOOD, f"{_origin(url)}（{how}，{took:.0f} ms）")


def _origin(url: str) -> str:
    """Return scheme, host and port of a URL, without a login."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _connect(url: str, limit: float) -> socket.socket:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return socket.create_connection((parts.hostname or "", port), limit)


def _address(url: str, limit: float) -> str:
    """Connect, and return the address of the other side."""
    with _connect(url, limit) as connection:
        return str(connection.getpeername()[0])


def _shake_hands(url: str, network: Network, limit: float) -> str:
    """Connect and shake hands, and return the address of the other side and the version of TLS."""
    context, name = tls.context(network), urlsplit(url).hostname
    with _connect(url, limit) as connection, context.wrap_socket(connection, server_hostname=name) as secure:
        return f"{secure.getpeername()[0]}，{secure.version()}"


def within(limit: float, work: Callable[[], T]) -> T:
    """Do what may hang, such as asking for a name, in a thread that is left behind when its time is over."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except Exception as error:  # noqa: BLE001  # it is raised where the result is waited for
            outcome.set_exception(error)

    Thread(target=run, name="qianfan doctor", daemon=True).start()
    try:
        return outcome.result(limit)
    except FutureTimeoutError:  # before Python 3.11 it is no TimeoutError
        raise TimeoutError from None
