"""Settings: arguments > setters > environment, read once when a client is made.

The result is one frozen value that is passed down; nothing below reads the environment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import nan
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar
from urllib.parse import SplitResult, urlsplit

from qianfan.choice import choose
from qianfan.config import DEFAULTS, Sources
from qianfan.core.http import in_header, redact
from qianfan.core.limits import RateLimiter
from qianfan.core.retry import RetryPolicy
from qianfan.credentials import IamKey
from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from qianfan.core.call import Options
    from qianfan.credentials import Credential

T = TypeVar("T")

BASE_URL: str = DEFAULTS["BASE_URL"]
MODEL_PREFIX: str = DEFAULTS["MODEL_API_PREFIX"]

CONSOLE_URL: str = DEFAULTS["CONSOLE_API_BASE_URL"]

_RETRY = RetryPolicy()

#: The console's codes that are tried again.
_CONSOLE_CODES = frozenset({18, 336100, 500000})


class ClientArguments(TypedDict, total=False):
    """What a client and the classic classes take; an argument that is None or "" was not given.

    Attributes:
        api_key: An API key of v2, `bce-v3/…`.
        token_provider: A function, plain or a coroutine function, that gives the bearer of v2 before
            each attempt; a coroutine function has the time that the call has.
        app_id: The application to call v2 for, `app-…`; where not given, the key's default.
        access_key: The IAM Access Key: signs console calls, and is exchanged for a bearer of v2.
        secret_key: Its Secret Key.
        ak: The application's API Key (v1).
        sk: The application's Secret Key (v1).
        access_token: A ready-made access token (v1), instead of ak and sk.
        bearer_token: The name that later SDKs have for api_key.
        version: Which API answers, 1 or 2; by default what the credential is for: v2 for api_key,
            token_provider and access_key, v1 for ak and access_token.
        base_url: Scheme and host of the service; of v2 also with a path, which is then taken as it is.
            Default `https://qianfan.baidubce.com/v2`, of v1 `https://aip.baidubce.com`.
        console_base_url: Scheme and host of the console's APIs, default `https://qianfan.baidubce.com`.
        iam_base_url: Scheme and host of the exchange, default `https://iam.bj.baidubce.com`.
        retry_count: Attempts of a call in all, from 1; default 3.
        request_timeout: Seconds a call may take, above 0; default 300. Of a stream: until each next event.
        backoff_factor: Seconds the first pause between attempts is drawn from; default 1, 0 for no pause.
        query_per_second: Most requests a second, above 0; 0.5 is one in two seconds.
        request_per_minute: Most requests in any 60 seconds, from 1.
        token_per_minute: Most tokens in any 60 seconds, from 1, input and output.
        rate_limiter: A `qianfan.RateLimiter` instead of these three, which several objects may share, or a
            `qianfan.RedisRateLimiter`, which several machines may.
        proxy: URL of an HTTP proxy; "" for none even where the environment names one.
        use_custom_endpoint: Whether `endpoint=` is appended to the prefix as it is, without `/chat/`.
        verify: Whether to verify TLS certificates, default True.
        ca_bundle: Path of a PEM file with the certificates to trust.
        stream: Accepted and ignored, as the classic SDK does: say it in the call.
    """

    api_key: str | None
    bearer_token: str | None
    token_provider: Callable[[], str | Awaitable[str]] | None
    app_id: str | None
    access_key: str | None
    secret_key: str | None
    ak: str | None
    sk: str | None
    access_token: str | None
    version: int | str | None
    base_url: str | None
    console_base_url: str | None
    iam_base_url: str | None
    retry_count: int | None
    request_timeout: float | None
    backoff_factor: float | None
    query_per_second: float | None
    request_per_minute: float | None
    token_per_minute: float | None
    rate_limiter: RateLimiter | None
    proxy: str | None
    use_custom_endpoint: bool | None
    verify: bool | None
    ca_bundle: str | None
    stream: bool | None


@dataclass(frozen=True, slots=True)
class Network:
    """What tells one pool of connections from another."""

    proxy: str | None = field(default=None, repr=False)  # may hold a password
    verify: bool = True
    ca_bundle: str | None = None


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """What calls of the console's APIs need to know; the halves of `key` may be empty."""

    key: IamKey
    base_url: str
    expiration: int
    request_timeout: float
    retry: RetryPolicy
    local: bool = False
    network: Network = field(default_factory=Network)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a client needs to know.

    Attributes:
        version: Which API answers: 1 or 2.
        credential: What that API is called with.
        v1_credential: What services are called with that exist on v1 only; None where nothing serves.
        app_id: The application that v2 is called for, or None.
        console: What calls of the console's APIs need.
        base_url: Scheme and host of v1.
        model_prefix: Where its services stand.
        v2_url: The URL of v2, up to and with `/v2`.
        iam_url: Scheme and host of the exchange.
        bearer_lifetime: Seconds an exchanged bearer is to live.
    """

    version: int
    credential: Credential
    v1_credential: Credential | None
    console: ConsoleSettings
    app_id: str | None = None
    base_url: str = BASE_URL
    model_prefix: str = MODEL_PREFIX
    v2_url: str = CONSOLE_URL + "/v2"
    iam_url: str = DEFAULTS["IAM_BASE_URL"]
    bearer_lifetime: int = 43200
    local: bool = False
    verbatim_endpoint: bool = False
    auth_timeout: float = 5.0
    request_timeout: float = 300.0
    retry: RetryPolicy = _RETRY
    limiter: RateLimiter | None = None
    network: Network = field(default_factory=Network)


def check_names(arguments: Mapping[str, Any]) -> None:
    """Raise `TypeError` for an argument that no client takes."""
    unknown = set(arguments) - set(ClientArguments.__annotations__)
    if unknown:
        raise TypeError(
            f"unexpected argument {min(unknown)!r}; known: {', '.join(ClientArguments.__annotations__)}"
        )


def resolve(arguments: ClientArguments, environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that arguments, setters and environment give together.

    Raises:
        InvalidArgumentError: No credential, half of one, one in the wrong place, or a value that
            does not fit; nothing has been sent.
    """
    check_names(arguments)
    sources = Sources(arguments, environment)
    local = sources.flag("local", default=False) and not arguments.get("base_url")
    version, credential, v1_credential = choose(sources, local=local)
    base_url, v2_url = _urls(sources, version)
    console = _console(sources)
    return Settings(
        version=version,
        credential=credential,
        v1_credential=v1_credential,
        app_id=in_header("app_id=", sources.text("app_id") or "") or None,
        base_url=base_url,
        v2_url=v2_url,
        iam_url=_url("iam_base_url", sources.text("iam_base_url") or DEFAULTS["IAM_BASE_URL"]),
        bearer_lifetime=int(sources.read("bearer_token_expired_interval", seconds)),
        model_prefix="/" + (sources.text("model_api_prefix") or MODEL_PREFIX).strip("/"),
        local=local,
        verbatim_endpoint=sources.flag("use_custom_endpoint", default=False),
        auth_timeout=sources.read("auth_timeout", seconds),
        request_timeout=sources.read("request_timeout", seconds, env="llm_api_retry_timeout"),
        retry=RetryPolicy(
            attempts=sources.read("retry_count", attempts, env="llm_api_retry_count"),
            backoff_factor=sources.read("backoff_factor", not_negative, env="llm_api_retry_backoff_factor"),
            max_wait=sources.read("llm_api_retry_max_wait_interval", not_negative),
            codes=sources.codes("llm_api_retry_err_codes", _RETRY.codes),
        ),
        limiter=_limiter(sources),
        console=console,
        network=_network(sources, v2_url if version == 2 else base_url, local=local),
    )


def _urls(sources: Sources, version: int) -> tuple[str, str]:
    """Return the base URLs of v1 and of v2. An argument is that of the version in use."""
    given = sources.arguments.get("base_url") or ""
    console = sources.text("console_base_url", env="console_api_base_url") or CONSOLE_URL
    v2_url = _url("console_base_url", console) + "/v2"
    if version == 1 or not given:
        return _url("base_url", sources.text("base_url") or BASE_URL), v2_url
    chosen = _url("base_url", str(given))
    if urlsplit(chosen).path:  # a gateway's, or the whole URL of v2; where it has v1, nobody knows
        beside = sources.setters.get("BASE_URL") or sources.env.get("QIANFAN_BASE_URL") or BASE_URL
        return _url("base_url", str(beside)), chosen
    return chosen, chosen + "/v2"


def resolve_console(
    arguments: ClientArguments, environment: Mapping[str, str] | None = None
) -> ConsoleSettings:
    """Return the settings for the console's APIs that arguments, setters and environment give together.

    Raises:
        InvalidArgumentError: A value does not fit; nothing has been sent.
    """
    return _console(Sources(arguments, environment))


def _console(sources: Sources) -> ConsoleSettings:
    given = sources.arguments
    local = sources.flag("local", default=False) and not (
        given.get("base_url") or given.get("console_base_url")
    )
    base_url = _url(
        "console_base_url", sources.text("console_base_url", env="console_api_base_url") or CONSOLE_URL
    )
    made_up = "local" if local else ""  # the platform in this process takes any key
    return ConsoleSettings(
        key=IamKey(sources.text("access_key") or made_up, sources.text("secret_key") or made_up),
        base_url=base_url,
        expiration=int(sources.read("iam_sign_expiration_sec", seconds)),
        request_timeout=sources.read("request_timeout", seconds, env="console_api_retry_timeout"),
        retry=RetryPolicy(
            attempts=sources.read("retry_count", attempts, env="console_api_retry_count"),
            backoff_factor=sources.read(
                "backoff_factor", not_negative, env="console_api_retry_backoff_factor"
            ),
            max_wait=sources.read("console_api_retry_max_wait_interval", not_negative),
            codes=sources.codes("console_api_retry_err_codes", _CONSOLE_CODES),
        ),
        local=local,
        network=_network(sources, base_url, local=local),
    )


def _network(sources: Sources, base_url: str, *, local: bool) -> Network:
    return Network(
        proxy=None if local else _proxy(sources, base_url),
        verify=sources.flag("verify", default=True, env="ssl_verification_enabled"),
        # Named here although OpenSSL reads the second by itself: what differs must not share connections.
        ca_bundle=sources.text("ca_bundle", env="REQUESTS_CA_BUNDLE")
        or sources.text("ca_bundle", env="SSL_CERT_FILE"),
    )


def bounded(name: str, value: Any, *, least: float | None = None, above: float | None = None) -> float:
    """Return a number within its bounds, or raise `InvalidArgumentError` that names them."""
    try:
        number = nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = nan
    if (least is not None and number >= least) or (above is not None and number > above):
        return number
    bound = f"of at least {least:g}" if least is not None else f"above {above:g}"
    raise InvalidArgumentError(f"{name} must be a number {bound}, not {value!r}")


def whole(name: str, value: Any, *, least: float) -> int:
    """Return a whole number of at least so much."""
    number = bounded(name, value, least=least)
    if not number.is_integer():
        raise InvalidArgumentError(f"{name} must be a whole number, not {value!r}")
    return int(number)


def not_negative(name: str, value: Any) -> float:
    """Return a number of at least 0."""
    return bounded(name, value, least=0)


#: The longest time that an operating system waits for a socket: about 23 days.
_LONGEST = 2_000_000.0


def seconds(name: str, value: Any) -> float:
    """Return a time above 0; one that is longer than can be waited for is as long as can be."""
    return min(bounded(name, value, above=0), _LONGEST)


def attempts(name: str, value: Any) -> int:
    """Return a number of attempts; as a whole number, of at least 0."""
    number = not_negative(name, value)
    if not number.is_integer():
        raise InvalidArgumentError(f"{name} must be a number of attempts, not {value!r}")
    return int(number)


def overridden(own: RetryPolicy, options: Options) -> RetryPolicy:
    """Return a retry policy with what a call sets for itself."""
    if options.retry_count is not None:
        own = own._replace(attempts=attempts("retry_count", options.retry_count))
    if options.backoff_factor is not None:
        own = own._replace(backoff_factor=not_negative("backoff_factor", options.backoff_factor))
    return own


def _limiter(sources: Sources) -> RateLimiter | None:
    """Return the limiter that was passed, or one of the limits that were given, or None."""
    given = sources.arguments.get("rate_limiter")
    names = ("query_per_second", "request_per_minute", "token_per_minute")
    if given is not None:
        if not isinstance(given, RateLimiter):
            raise InvalidArgumentError(
                f"rate_limiter must be a qianfan.RateLimiter, not {type(given).__name__}"
            )
        beside = [name for name in names if sources.arguments.get(name)]
        if beside:
            raise InvalidArgumentError(f"rate_limiter and {beside[0]} are two answers to one question")
        return given
    limits = [
        sources.read(name, not_negative, env=env) or None
        for name, env in zip(names, ("qps_limit", "rpm_limit", "tpm_limit"), strict=True)
    ]
    if not any(limits):
        return None
    if any(sources.arguments.get(name) is not None for name in names):
        return RateLimiter(*limits)
    # The environment speaks of the whole process: its objects keep such limits together.
    return _of_the_process.setdefault(tuple(limits), RateLimiter(*limits))


_of_the_process: dict[tuple[float | None, ...], RateLimiter] = {}


def _url(name: str, value: str) -> str:
    """Return a base URL: scheme, host, port and path, and nothing else."""
    shown = value.rpartition("@")[2]  # what stands before it may be a password
    parts = _http_parts(value)
    fits = parts is not None and not (
        parts.query or parts.fragment or "@" in parts.netloc or set(value) & set(" \t\r\n\\")
    )
    if parts is not None:
        names = (parts.hostname or "").removesuffix(".").split(".")
        fits = fits and all(0 < len(part) < 64 for part in names)  # as DNS has them
    if not fits:
        raise InvalidArgumentError(
            f"{name}={redact(shown)!r} is no http(s) URL of a host", hint=f"such as {BASE_URL}"
        )
    return value.rstrip("/")


def _proxy(sources: Sources, base_url: str) -> str | None:
    """Return the proxy for a host: the argument's, QIANFAN_PROXY's, or the environment's for its scheme.

    A loopback host is never reached through a proxy that only the environment names.
    """
    if sources.arguments.get("proxy") == "":
        return None
    named = sources.text("proxy")
    if not sources.arguments.get("proxy") and is_loopback(base_url):
        named = None
    elif named is None:
        named = _environment_proxy(sources.env, base_url)
    if named is None:
        return None
    if "://" not in named:
        named = f"http://{named}"
    parts = _http_parts(named)
    # An @ further on ends a login with an unquoted # or /: what looks like the port is part of a password.
    if parts is None or "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise InvalidArgumentError(
            f"the proxy {named.rpartition('@')[2]!r} is no http(s) URL",
            hint="only HTTP proxies are supported",
        )
    return named


def _http_parts(url: str) -> SplitResult | None:
    """Return the parts of an http(s) URL of a host, or None where it is none."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if fits else None


def is_loopback(base_url: str) -> bool:
    """Say whether a URL leads to this machine."""
    host = urlsplit(base_url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def _environment_proxy(env: Mapping[str, str], base_url: str) -> str | None:
    names = [key for key in env if key.lower().endswith("_proxy")]  # reading every value takes longer
    named = {key.lower(): env[key] for key in names if env[key]}
    if not named:
        return None
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # public, not in typeshed

    parts = urlsplit(base_url)
    if proxy_bypass_environment(parts.netloc, {"no": named.get("no_proxy", "")}):
        return None
    return named.get(f"{parts.scheme}_proxy") or named.get("all_proxy")
