"""One connection to Redis, and the script that is run there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from qianfan.core.http import redact
from qianfan.errors import InvalidArgumentError, RateLimiterLostError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from redis import Redis

_SCRIPT = Path(__file__).with_name("limits.lua")

#: What Redis answers while it cannot serve for now.
_PASSING = {"BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MISCONF", "OOM", "READONLY", "TRYAGAIN"}

_ATTEMPTS = (
    3  # to run the script: on a connection that was idle, on a new one, on the right node of a cluster
)

_SCHEMES = {"redis", "rediss", "unix"}


class PassingError(Exception):
    """Redis cannot be reached, or not serve, for now."""


class Store:
    """Runs the script for one limiter; used by one thread at a time.

    Args:
        url: Where Redis is, as redis-py reads it.
        name: What the keys are named by.
        timeout: Seconds that a connection, and then each answer, may take.
    """

    def __init__(self, url: str, name: str, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._secrets = _secrets(url)
        self._moved: tuple[str, int] | None = None  # of a cluster: the node that has our keys
        self.keys = [
            f"qianfan:{{{name}}}:{what}" for what in ("state", "queue", "waiting", "requests", "tokens")
        ]
        self.place = place(url)
        self._redis: Redis | None = None
        self._source = _SCRIPT.read_text("utf-8")
        self._digest = ""

    def run(self, arguments: Sequence[str | float]) -> list[Any]:
        """Return what the script answers.

        Raises:
            PassingError: Not for now.
            RateLimiterLostError: Not ever: the key is wrong, or the script may not be run.
        """
        failure: Exception = PassingError()
        for _ in range(_ATTEMPTS):
            fresh = self._redis is None
            try:
                return self._evaluate(arguments)
            except Exception as error:  # noqa: BLE001  # TLS, files and names fail with errors of their own
                self.close()
                failure = error
            moved = _moved(failure)
            if moved is None and (fresh or not _is_lost(failure)):
                break
            # All keys of a limiter are on one node. A connection that is lost may only have been idle for too long.
            self._moved = moved or self._moved
        self._moved = None
        raise self._translated(failure) from None

    def _evaluate(self, arguments: Sequence[str | float]) -> list[Any]:
        from redis.exceptions import NoScriptError

        execute: Any = self._connection().execute_command
        try:
            answer = execute("EVALSHA", self._digest, len(self.keys), *self.keys, *arguments)
        except NoScriptError:
            answer = execute("EVAL", self._source, len(self.keys), *self.keys, *arguments)
        return list(answer)

    def _connection(self) -> Redis:
        if self._redis is None:
            from hashlib import sha1

            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry

            self._digest = self._digest or sha1(self._source.encode(), usedforsecurity=False).hexdigest()
            made = redis.Redis.from_url(
                self._url,
                socket_timeout=self._timeout,
                socket_connect_timeout=self._timeout,
                retry=Retry(NoBackoff(), 0),  # who waits, and how long, is decided above
                max_connections=1,
                protocol=2,  # the older one, which every server and proxy speaks
            )
            if self._moved is not None:
                host, port = self._moved
                made.connection_pool.connection_kwargs.update(port=port, **({"host": host} if host else {}))
            self._redis = made
        return self._redis

    def _translated(self, error: Exception) -> PassingError | RateLimiterLostError:
        words = redact(str(error).partition(". script:")[0] or type(error).__name__, self._secrets)
        if _is_lost(error) or _passes(error):
            return PassingError(words)
        return RateLimiterLostError(
            f"the rate limit at {self.place} cannot be used: {words}",
            hint="请检查 Redis 的地址、密码与权限 (check the address, the login and the permissions of Redis)",
        )

    def close(self) -> None:
        """Close the connection; the next use opens one."""
        connection, self._redis = self._redis, None
        if connection is not None:
            connection.close()
            connection.connection_pool.disconnect()


def _moved(error: Exception) -> tuple[str, int] | None:
    """Return which node of a cluster has the keys, or None where that is not what the error says."""
    from redis.exceptions import MovedError

    words = str(error)  # of redis-py before 6 an error like any other
    if not (isinstance(error, MovedError) or words.startswith("MOVED ")):
        return None
    host, _, port = words.rpartition(" ")[2].rpartition(":")
    return host, int(port)


def _is_lost(error: Exception) -> bool:
    from redis import exceptions

    refused = (exceptions.AuthenticationError, exceptions.AuthorizationError)
    return isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError) and not isinstance(
        error, refused
    )


def _passes(error: Exception) -> bool:
    from redis import exceptions

    known = (
        exceptions.ClusterDownError,
        exceptions.OutOfMemoryError,
        exceptions.ReadOnlyError,
        exceptions.TryAgainError,
        exceptions.AskError,
    )
    # Older versions of Redis put the word of a command that fails in a script somewhere into a sentence.
    return (
        isinstance(error, known)
        or _moved(error) is not None
        or any(word.strip("-:") in _PASSING for word in str(error).split())
    )


def checked(url: str) -> str:
    """Return a URL of Redis, or raise `InvalidArgumentError`, which does not show it: it may hold a password."""
    try:
        parts = urlsplit(url)
        there = parts.path if parts.scheme == "unix" else parts.hostname
        fits = (
            bool(there)
            and parts.scheme in _SCHEMES
            and parts.port != 0
            and "@" not in parts.path + parts.query + parts.fragment
        )
    except (TypeError, ValueError, AttributeError):
        fits = False
    if not fits:
        raise InvalidArgumentError(
            "url is no URL of Redis",
            hint="redis://localhost:6379/0; with TLS rediss://user:password@host:6379/0; unix:///path/to/socket",
        )
    try:
        import redis  # noqa: F401  # better now than in the first call
    except ImportError:
        raise InvalidArgumentError(
            "RedisRateLimiter 需要附加依赖 (needs an extra)", hint="pip install 'qianfan[redis]'"
        ) from None
    return url


def place(url: str) -> str:
    """Return a URL without login and options."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _secrets(url: str) -> list[str]:
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    options = [option.partition("=")[2] for option in parts.query.split("&") if "password" in option]
    found = [login.partition(":")[2], *options]
    return [secret for raw in found for secret in {raw, unquote(raw)} if secret]
