"""Settings: arguments > setters > environment, read once when a client is made.

The result is one frozen value that is passed down; nothing below reads the environment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import nan
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar
from urllib.parse import SplitResult, urlsplit

from qianfan import credentials
from qianfan.config import DEFAULTS, Sources
from qianfan.core.http import redact
from qianfan.core.limits import RateLimiter
from qianfan.core.retry import RetryPolicy
from qianfan.credentials import IamKey
from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        ak: The application's API Key.
        sk: The application's Secret Key.
        access_token: A ready-made access token, instead of ak and sk.
        access_key: The IAM Access Key (console calls).
        secret_key: The IAM Secret Key (console calls).
        base_url: Scheme and host of the service, default `https://aip.baidubce.com`.
        console_base_url: Scheme and host of the console's APIs, default `https://qianfan.baidubce.com`.
        retry_count: Attempts of a call in all, from 1; default 3.
        request_timeout: Seconds a call may take, above 0; default 300. Of a stream: until each next event.
        backoff_factor: Seconds the first pause between attempts is drawn from; default 1, 0 for no pause.
        query_per_second: Most requests a second, above 0; 0.5 is one in two seconds.
        request_per_minute: Most requests in any 60 seconds, from 1.
        token_per_minute: Most tokens in any 60 seconds, from 1, input and output.
        rate_limiter: A `qianfan.RateLimiter` instead of these three, which several objects may share.
        proxy: URL of an HTTP proxy; "" for none even where the environment names one.
        use_custom_endpoint: Whether `endpoint=` is appended to the prefix as it is, without `/chat/`.
        verify: Whether to verify TLS certificates, default True.
        ca_bundle: Path of a PEM file with the certificates to trust.
        stream: Accepted and ignored, as the classic SDK does: say it in the call.
    """

    ak: str | None
    sk: str | None
    access_token: str | None
    access_key: str | None
    secret_key: str | None
    base_url: str | None
    console_base_url: str | None
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
    """Everything a client needs to know."""

    credential: Credential
    console: ConsoleSettings
    base_url: str = BASE_URL
    model_prefix: str = MODEL_PREFIX
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
    base_url = _url("base_url", sources.text("base_url") or BASE_URL)
    return Settings(
        credential=_credential(sources, local=local),
        base_url=base_url,
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
        console=_console(sources),
        network=_network(sources, base_url, local=local),
    )


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


def _credential(sources: Sources, *, local: bool) -> Credential:
    """Return the credential of the strongest level; inside one level a ready-made token comes first."""
    if local:  # the platform in this process takes any key
        return credentials.ApplicationKey(sources.text("ak") or "local", sources.text("sk") or "local")
    for name in ("access_token", "ak", "sk", "access_code"):
        sources.text(name)  # each must be a str
    token_level, token = sources.find("access_token")
    (ak_level, ak), (sk_level, sk) = sources.find("ak"), sources.find("sk")
    code_level, code = sources.find("access_code")
    level = min(token_level, ak_level, sk_level, code_level)
    if level > 0 and sources.flag("no_auth", default=False):
        return credentials.NoCredential()
    if level == 3:  # found nowhere
        access_key, secret_key = sources.text("access_key"), sources.text("secret_key")
        if access_key and secret_key:
            return IamKey(access_key, secret_key)
        raise credentials.missing(iam=bool(access_key or secret_key))
    if token_level == level:
        return credentials.access_token(token)
    if min(ak_level, sk_level) == level:
        return credentials.application_key(ak, sk)
    return credentials.AccessCode(code)


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
    if not sources.arguments.get("proxy") and _is_loopback(base_url):
        named = None
    elif named is None:
        named = _environment_proxy(sources.env, base_url)
    if named is None:
        return None
    if "://" not in named:
        named = f"http://{named}"
    if _http_parts(named) is None:
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


def _is_loopback(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return host in {"localhost", "::1"} or host.startswith("127.")


def _environment_proxy(env: Mapping[str, str], base_url: str) -> str | None:
    named = {key.lower(): value for key, value in env.items() if key.lower().endswith("_proxy") and value}
    if not named:
        return None
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # public, not in typeshed

    parts = urlsplit(base_url)
    if proxy_bypass_environment(parts.netloc, {"no": named.get("no_proxy", "")}):
        return None
    return named.get(f"{parts.scheme}_proxy") or named.get("all_proxy")
