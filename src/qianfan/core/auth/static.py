"""Credentials that are used as they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from qianfan.core.http import Request

if TYPE_CHECKING:
    from qianfan.core.effects import Flow
    from qianfan.core.retry import RetryPolicy
    from qianfan.errors import QianfanError


class NoAuth:
    """No credential: a deployment that asks for none, and the token call itself."""

    __slots__ = ("secrets",)

    ages = True

    def __init__(self, *secrets: str) -> None:
        self.secrets = secrets

    def authorise(self, request: Request, deadline: float, policy: RetryPolicy) -> Flow[Request]:  # noqa: ARG002  # the protocol's signature
        """Return the request as it is."""
        return request
        yield  # a flow without an effect

    def access_token(self, timeout: float) -> Flow[str]:  # noqa: ARG002  # the protocol's signature
        """Return an empty string: no token is used."""
        return ""
        yield  # a flow without an effect

    def renew(self, error: QianfanError, request: Request) -> bool:  # noqa: ARG002  # the protocol's signature
        """Return False: there is nothing to renew."""
        return False


class TokenAuth(NoAuth):
    """A ready-made access token, in the query as v1 wants it."""

    __slots__ = ("_query",)

    def __init__(self, token: str) -> None:
        super().__init__(token)
        self._query = urlencode({"access_token": token})

    def authorise(self, request: Request, deadline: float, policy: RetryPolicy) -> Flow[Request]:  # noqa: ARG002  # the protocol's signature
        """Return the request with the token in its query."""
        return request.with_query(self._query)
        yield  # a flow without an effect

    def access_token(self, timeout: float) -> Flow[str]:  # noqa: ARG002  # the protocol's signature
        """Return the token."""
        return self.secrets[0]
        yield  # a flow without an effect


class CodeAuth(NoAuth):
    """The access code of a private deployment, in a header."""

    __slots__ = ()

    def authorise(self, request: Request, deadline: float, policy: RetryPolicy) -> Flow[Request]:  # noqa: ARG002  # the protocol's signature
        """Return the request with the code in its header."""
        headers = {**request.headers, "Authorization": f"ACCESSCODE {self.secrets[0]}"}
        return Request(request.method, request.url, headers, request.body)
        yield  # a flow without an effect
