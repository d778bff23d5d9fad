"""Settings: arguments before setters before environment, checked before anything is sent."""

from __future__ import annotations

import sys
from dataclasses import FrozenInstanceError, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import qianfan
from qianfan.core.limits import RateLimiter
from qianfan.core.retry import RetryPolicy
from qianfan.credentials import (
    AccessCode,
    AccessToken,
    ApiKey,
    ApplicationKey,
    IamKey,
    NoCredential,
    TokenProvider,
)
from qianfan.errors import InvalidArgumentError
from qianfan.settings import BASE_URL, MODEL_PREFIX, ConsoleSettings, Network, Settings, resolve

if TYPE_CHECKING:
    from pathlib import Path

IAM = {"access_key": "k", "secret_key": "s"}

PAIR = {"ak": "a", "sk": "s"}
ENV_PAIR = {"QIANFAN_AK": "env-a", "QIANFAN_SK": "env-s"}
SETTERS = {
    "ak": qianfan.AK,
    "sk": qianfan.SK,
    "access_token": qianfan.AccessToken,
    "access_key": qianfan.AccessKey,
    "secret_key": qianfan.SecretKey,
}


def settings(arguments: dict[str, Any] | None = None, **environment: str) -> Settings:
    """Return what arguments, with a key pair among them, and an environment give."""
    return resolve({**PAIR, **(arguments or {})}, environment)


def shown(value: Any) -> Any:
    """Return a setting as it compares: limiters, which are somebody's own, by their limits."""
    return repr(value) if isinstance(value, RateLimiter) else value


def credential(
    arguments: dict[str, Any] | None = None,
    setters: dict[str, str] | None = None,
    environment: dict[str, str] | None = None,
) -> Any:
    """Return the credential that the three levels give."""
    for name, value in (setters or {}).items():
        SETTERS[name](value)
    return resolve(arguments or {}, environment or {}).credential


def refusal(arguments: dict[str, Any] | None = None, **environment: str) -> str:
    """Return the text of the error that settings must end in."""
    with pytest.raises(InvalidArgumentError) as caught:
        resolve(arguments or {}, environment)
    return str(caught.value)


class TestDefaults:
    """What holds when nothing is said."""

    def test_settings(self) -> None:
        """Only a credential is needed; everything else has its documented default."""
        assert settings() == Settings(
            version=1,
            credential=ApplicationKey("a", "s"),
            v1_credential=ApplicationKey("a", "s"),
            app_id=None,
            v2_url="https://qianfan.baidubce.com/v2",
            iam_url="https://iam.bj.baidubce.com",
            bearer_lifetime=43200,
            base_url="https://aip.baidubce.com",
            model_prefix="/rpc/2.0/ai_custom/v1/wenxinworkshop",
            local=False,
            verbatim_endpoint=False,
            auth_timeout=5.0,
            request_timeout=300.0,
            retry=RetryPolicy(attempts=3, backoff_factor=1.0, max_wait=120.0),
            limiter=None,
            console=ConsoleSettings(
                key=IamKey("", ""),
                base_url="https://qianfan.baidubce.com",
                expiration=300,
                request_timeout=60.0,
                retry=RetryPolicy(1, 0.0, 120.0, frozenset({18, 336100, 500000})),
            ),
            network=Network(proxy=None, verify=True, ca_bundle=None),
        )

    def test_frozen(self) -> None:
        """Settings are a value: equal by content, hashable, and nobody can change them."""
        assert settings() == settings()
        assert hash(settings()) == hash(settings())
        with pytest.raises(FrozenInstanceError):
            settings().base_url = "x"

    def test_no_secret_in_repr(self) -> None:
        """The repr of settings shows neither keys nor tokens nor a proxy's password."""
        shown = [
            repr(settings({"sk": "the-secret", "proxy": "http://me:the-secret@proxy:1"})),
            repr(resolve({"access_token": "the-secret"}, {})),
            repr(resolve({}, {"QIANFAN_ACCESS_CODE": "the-secret"})),
        ]

        assert [text for text in shown if "the-secret" in text] == []


class TestCredentials:
    """Which credential counts."""

    @pytest.mark.parametrize(
        ("arguments", "setters", "environment", "expected"),
        [
            (PAIR, {}, {}, ApplicationKey("a", "s")),
            ({}, PAIR, {}, ApplicationKey("a", "s")),
            ({}, {}, ENV_PAIR, ApplicationKey("env-a", "env-s")),
            ({"access_token": "t"}, {}, {}, AccessToken("t")),
            ({}, {"access_token": "t"}, {}, AccessToken("t")),
            ({}, {}, {"QIANFAN_ACCESS_TOKEN": "t"}, AccessToken("t")),
            ({}, {}, {"QIANFAN_ACCESS_CODE": "c"}, AccessCode("c")),
            ({}, {}, {"QIANFAN_NO_AUTH": "true"}, NoCredential()),
            ({}, {}, {"QIANFAN_LOCAL": "1"}, ApplicationKey("local", "local")),
            # the stronger level counts, whatever its kind
            (PAIR, {"ak": "x", "sk": "y"}, ENV_PAIR, ApplicationKey("a", "s")),
            ({}, PAIR, ENV_PAIR, ApplicationKey("a", "s")),
            (PAIR, {"access_token": "t"}, {"QIANFAN_ACCESS_TOKEN": "t"}, ApplicationKey("a", "s")),
            ({"access_token": "t"}, PAIR, ENV_PAIR, AccessToken("t")),
            ({}, {"access_token": "t"}, ENV_PAIR, AccessToken("t")),
            ({}, PAIR, {"QIANFAN_ACCESS_TOKEN": "t"}, ApplicationKey("a", "s")),
            (PAIR, {}, {"QIANFAN_ACCESS_CODE": "c"}, ApplicationKey("a", "s")),
            # inside one level a ready-made token counts before a pair, a pair before a code
            ({**PAIR, "access_token": "t"}, {}, {}, AccessToken("t")),
            ({}, {}, {**ENV_PAIR, "QIANFAN_ACCESS_TOKEN": "t"}, AccessToken("t")),
            ({}, {}, {**ENV_PAIR, "QIANFAN_ACCESS_CODE": "c"}, ApplicationKey("env-a", "env-s")),
            # a pair may come from two levels
            ({"ak": "a"}, {"sk": "s"}, {}, ApplicationKey("a", "s")),
            ({"sk": "s"}, {}, {"QIANFAN_AK": "env-a"}, ApplicationKey("env-a", "s")),
            # what is empty was not given
            ({"ak": "", "sk": "", "access_token": "t"}, {}, {}, AccessToken("t")),
            ({**PAIR, "access_token": ""}, {}, {}, ApplicationKey("a", "s")),
            ({**PAIR, "access_token": None}, {}, {}, ApplicationKey("a", "s")),
            ({"ak": None, "sk": None}, {}, ENV_PAIR, ApplicationKey("env-a", "env-s")),
            ({}, {"ak": "", "sk": ""}, ENV_PAIR, ApplicationKey("env-a", "env-s")),
            (PAIR, {}, {"QIANFAN_ACCESS_TOKEN": "None"}, ApplicationKey("a", "s")),
            ({}, {}, {**ENV_PAIR, "QIANFAN_ACCESS_TOKEN": "none"}, ApplicationKey("env-a", "env-s")),
            # the local platform takes any key
            (PAIR, {}, {"QIANFAN_LOCAL": "1"}, ApplicationKey("a", "s")),
            (
                {"access_token": "t"},
                {},
                {"QIANFAN_LOCAL": "1", "QIANFAN_NO_AUTH": "1"},
                AccessToken("t"),
            ),
            ({}, {}, {"QIANFAN_LOCAL": "1", "QIANFAN_NO_AUTH": "1"}, ApplicationKey("local", "local")),
            ({"ak": "a"}, {}, {"QIANFAN_LOCAL": "1"}, ApplicationKey("a", "local")),
            ({**PAIR, "base_url": "http://host"}, {}, {"QIANFAN_NO_AUTH": "1"}, ApplicationKey("a", "s")),
            ({}, {"ak": "x", "sk": "y"}, {"QIANFAN_NO_AUTH": "1"}, NoCredential()),
        ],
    )
    def test_precedence(
        self, arguments: dict[str, Any], setters: dict[str, str], environment: dict[str, str], expected: Any
    ) -> None:
        """Argument > setter > environment; inside one level token, pair, code."""
        assert credential(arguments, setters, environment) == expected

    def test_an_iam_pair_alone(self) -> None:
        """It is a credential, of the console's calls and of v2; an application's pair beside it serves v1 only."""
        pair = {"QIANFAN_ACCESS_KEY": "k", "QIANFAN_SECRET_KEY": "s"}

        assert credential(environment=pair) == IamKey("k", "s")
        assert credential({"access_key": "k", "secret_key": "s"}) == IamKey("k", "s")
        assert credential(environment={**pair, **ENV_PAIR}) == IamKey("k", "s")
        assert credential(PAIR, environment=pair) == ApplicationKey("a", "s")

    @pytest.mark.parametrize(
        ("arguments", "environment", "expected"),
        [
            ({"api_key": "bce-v3/k"}, {}, (2, ApiKey("bce-v3/k"), None)),
            ({"bearer_token": "bce-v3/k"}, {}, (2, ApiKey("bce-v3/k"), None)),
            ({}, {"QIANFAN_API_KEY": "bce-v3/k"}, (2, ApiKey("bce-v3/k"), None)),
            ({}, {"QIANFAN_BEARER_TOKEN": "bce-v3/k"}, (2, ApiKey("bce-v3/k"), None)),
            ({}, {**ENV_PAIR, "QIANFAN_API_KEY": "k"}, (2, ApiKey("k"), ApplicationKey("env-a", "env-s"))),
            (PAIR, {"QIANFAN_API_KEY": "k"}, (1, ApplicationKey("a", "s"), ApplicationKey("a", "s"))),
            (IAM, {}, (2, IamKey("k", "s"), IamKey("k", "s"))),
            ({**IAM, **PAIR}, {}, (2, IamKey("k", "s"), ApplicationKey("a", "s"))),
            ({**IAM, "api_key": "bce-v3/k"}, {}, (2, ApiKey("bce-v3/k"), IamKey("k", "s"))),
            ({**IAM, "version": 1}, {}, (1, IamKey("k", "s"), IamKey("k", "s"))),
            ({**IAM, **PAIR, "version": 1}, {}, (1, ApplicationKey("a", "s"), ApplicationKey("a", "s"))),
            ({**IAM, **PAIR, "version": "2"}, {}, (2, IamKey("k", "s"), ApplicationKey("a", "s"))),
            (
                PAIR,
                {"QIANFAN_API_KEY": "k", "QIANFAN_API_VERSION": "2"},
                (2, ApiKey("k"), ApplicationKey("a", "s")),
            ),
            ({"token_provider": list}, {}, (2, TokenProvider(list), None)),
            (
                {},
                {"QIANFAN_LOCAL": "1", "QIANFAN_API_VERSION": "2"},
                (2, ApiKey("local"), ApplicationKey("local", "local")),
            ),
            ({"api_key": "k"}, {"QIANFAN_LOCAL": "1"}, (2, ApiKey("k"), None)),
            ({}, {"QIANFAN_NO_AUTH": "1", "QIANFAN_API_VERSION": "2"}, (2, NoCredential(), NoCredential())),
        ],
    )
    def test_which_api_answers(
        self, arguments: dict[str, Any], environment: dict[str, str], expected: tuple[int, Any, Any]
    ) -> None:
        """The credential of the strongest level says which API; `version=` chooses among what was found."""
        made = resolve(arguments, environment)  # type: ignore[arg-type]  # the table's own

        assert (made.version, made.credential, made.v1_credential) == expected

    @pytest.mark.parametrize(
        ("arguments", "environment", "urls"),
        [
            ({}, {}, ("https://aip.baidubce.com", "https://qianfan.baidubce.com/v2")),
            ({"base_url": "http://host:1/"}, {}, ("http://host:1", "http://host:1/v2")),
            (
                {"base_url": "https://qianfan.baidubce.com/v2"},
                {},
                ("https://aip.baidubce.com", "https://qianfan.baidubce.com/v2"),
            ),
            ({"base_url": "https://gw/q"}, {"QIANFAN_BASE_URL": "http://v1"}, ("http://v1", "https://gw/q")),
            ({}, {"QIANFAN_BASE_URL": "http://v1"}, ("http://v1", "https://qianfan.baidubce.com/v2")),
            ({}, {"QIANFAN_CONSOLE_API_BASE_URL": "http://c"}, ("https://aip.baidubce.com", "http://c/v2")),
            ({"console_base_url": "http://c"}, {}, ("https://aip.baidubce.com", "http://c/v2")),
        ],
    )
    def test_where_v2_is(
        self, arguments: dict[str, str], environment: dict[str, str], urls: tuple[str, str]
    ) -> None:
        """`base_url=` is that of the version in use: a host gets `/v2`, a URL with a path is taken as it is."""
        made = resolve({"api_key": "k", **arguments}, environment)  # type: ignore[typeddict-item]  # the table's own

        assert (made.base_url, made.v2_url) == urls

    def test_setters_are_taken_back(self) -> None:
        """`qianfan.AK(None)` is as if it had never been called."""
        qianfan.AK("x")
        qianfan.AK(None)

        assert credential(environment=ENV_PAIR) == ApplicationKey("env-a", "env-s")

    @pytest.mark.parametrize(
        ("arguments", "environment", "says"),
        [
            ({}, {}, ["no credential found", "ak=", "QIANFAN_AK", "QIANFAN_LOCAL=1", "https://"]),
            ({"ak": "a"}, {}, ["ak is given, sk is not", "pair"]),
            ({"sk": "s"}, {}, ["sk is given, ak is not", "pair"]),
            ({}, {"QIANFAN_AK": "a"}, ["ak is given, sk is not", "QIANFAN_SK"]),
            ({}, {"QIANFAN_SK": "s"}, ["sk is given, ak is not", "QIANFAN_AK"]),
            ({"ak": "a", "sk": ""}, {}, ["ak is given, sk is not"]),
            ({}, {"QIANFAN_ACCESS_KEY": "k"}, ["secret_key is missing", "pair", "QIANFAN_SECRET_KEY"]),
            ({"secret_key": "s"}, {}, ["access_key is missing", "pair"]),
            ({"version": 2}, ENV_PAIR, ["version=2", "api_key=", "token_provider="]),
            ({"version": 1, "api_key": "bce-v3/k"}, {}, ["version=1", "ak= and sk=", "access_key="]),
            ({"version": 2}, {}, ["no credential found"]),
            ({**PAIR, "version": 3}, {}, ["version must be 1 or 2, not 3"]),
            ({**PAIR, "version": True}, {}, ["version must be 1 or 2, not True"]),
            (PAIR, {"QIANFAN_API_VERSION": "x"}, ["version must be 1 or 2, not 'x'"]),
            ({"api_key": "bce-v3/密钥"}, {}, ["api_key= holds white space or characters that no key has"]),
            ({}, {"QIANFAN_API_KEY": "bce-v3/k\n"}, ["api_key= holds white space"]),
            ({"access_key": "ALTAK k", "secret_key": "s"}, {}, ["access_key= holds white space"]),
            ({"api_key": "k", "app_id": "app-中"}, {}, ["app_id= holds white space or"]),
            ({"token_provider": "bce-v3/k"}, {}, ["token_provider must be a function", "api_key="]),
        ],
    )
    def test_missing(self, arguments: dict[str, Any], environment: dict[str, str], says: list[str]) -> None:
        """No credential, or half of one, is told before any request, with the ways to give it."""
        text = refusal(arguments, **environment)

        assert [part for part in says if part not in text] == []

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ({"ak": "ALTAKabcdefgh1234", "sk": "s"}, ["ak= holds an IAM Access Key"]),
            ({"ak": "**********", "sk": "s"}, ["ak= holds a masked key", "get_secret_value"]),
            ({"ak": "a", "sk": "ALTAKabcdefgh1234"}, ["sk= holds an IAM Access Key"]),
            ({"ak": "bce-v3/ALTAK-abc/0123", "sk": "s"}, ["ak= holds a v2 API key"]),
            (
                {"ak": f"24.{'0' * 32}.2592000.1.2-3", "sk": "s"},
                ["ak= holds an access token", "access_token="],
            ),
            ({"access_token": "bce-v3/ALTAK-abc/0123"}, ["access_token= holds a v2 API key", "api_key="]),
            ({"api_key": "ALTAKabcdefgh1234"}, ["api_key= holds an IAM Access Key", "access_key="]),
            (
                {"api_key": f"24.{'0' * 32}.2592000.1.2-3"},
                ["api_key= holds an access token", "access_token="],
            ),
            ({"api_key": "app-Abc123"}, ["api_key= holds an application's id", "app_id="]),
            ({"api_key": "******"}, ["api_key= holds a masked key"]),
            ({"access_key": "bce-v3/ALTAK-abc/01", "secret_key": "s"}, ["access_key= holds a v2 API key"]),
            ({"access_key": "bce-v3/ALTAK-abc/01"}, ["access_key= holds a v2 API key"]),
        ],
    )
    def test_misplaced(self, arguments: dict[str, Any], says: list[str]) -> None:
        """A credential of another kind is recognised by its shape, and not shown."""
        text = refusal(arguments)

        assert [part for part in says if part not in text] == []
        assert [value for value in arguments.values() if len(value) > 1 and value in text] == []

    @pytest.mark.parametrize("name", ["ak", "sk", "access_token"])
    def test_what_is_no_text(self, name: str) -> None:
        """A credential that is no str is told as such."""
        assert f"{name} must be a str, not int" in refusal({**PAIR, name: 123})


class TestEnvironment:
    """The variables of the platform documentation that have a meaning here."""

    @pytest.mark.parametrize(
        ("name", "value", "field", "expected"),
        [
            ("QIANFAN_BASE_URL", "http://host:8080/", "base_url", "http://host:8080"),
            ("QIANFAN_BASE_URL", "https://host/gateway", "base_url", "https://host/gateway"),
            ("QIANFAN_MODEL_API_PREFIX", "/my/prefix", "model_prefix", "/my/prefix"),
            ("QIANFAN_MODEL_API_PREFIX", "my/prefix/", "model_prefix", "/my/prefix"),
            ("QIANFAN_AUTH_TIMEOUT", "2.5", "auth_timeout", 2.5),
            ("QIANFAN_QPS_LIMIT", "0.5", "limiter", RateLimiter(0.5)),
            ("QIANFAN_QPS_LIMIT", "0", "limiter", None),
            ("QIANFAN_RPM_LIMIT", "300", "limiter", RateLimiter(request_per_minute=300)),
            ("QIANFAN_TPM_LIMIT", "300000", "limiter", RateLimiter(token_per_minute=300_000)),
            ("QIANFAN_LLM_API_RETRY_TIMEOUT", "30", "request_timeout", 30.0),
            ("QIANFAN_LLM_API_RETRY_COUNT", "7", "retry", RetryPolicy(attempts=7)),
            ("QIANFAN_LLM_API_RETRY_COUNT", "0", "retry", RetryPolicy(attempts=0)),
            ("QIANFAN_LLM_API_RETRY_BACKOFF_FACTOR", "0", "retry", RetryPolicy(backoff_factor=0)),
            ("QIANFAN_LLM_API_RETRY_MAX_WAIT_INTERVAL", "9", "retry", RetryPolicy(max_wait=9)),
            (
                "QIANFAN_LLM_API_RETRY_ERR_CODES",
                "18,336100",
                "retry",
                RetryPolicy(codes=frozenset({18, 336100})),
            ),
            ("QIANFAN_LLM_API_RETRY_ERR_CODES", "[18, 1]", "retry", RetryPolicy(codes=frozenset({18, 1}))),
            ("QIANFAN_LLM_API_RETRY_ERR_CODES", "{ }", "retry", RetryPolicy(codes=frozenset())),
            ("QIANFAN_USE_CUSTOM_ENDPOINT", "True", "verbatim_endpoint", True),
            ("QIANFAN_SSL_VERIFICATION_ENABLED", "off", "network", Network(verify=False)),
            ("QIANFAN_PROXY", "http://proxy:3128", "network", Network(proxy="http://proxy:3128")),
            ("QIANFAN_PROXY", "proxy:3128", "network", Network(proxy="http://proxy:3128")),
            ("REQUESTS_CA_BUNDLE", "ca.pem", "network", Network(ca_bundle="ca.pem")),
            ("QIANFAN_LOCAL", "y", "local", True),
        ],
    )
    def test_variable(self, name: str, value: str, field: str, expected: Any) -> None:
        """Each variable sets its one setting and nothing else."""
        made = settings(**{name: value})

        assert shown(getattr(made, field)) == shown(expected)
        plain = settings()
        assert replace(made, console=plain.console, **{field: getattr(plain, field)}) == plain

    @pytest.mark.parametrize("value", ["", "none", "None", "NONE"])
    @pytest.mark.parametrize(
        "name",
        [
            "QIANFAN_BASE_URL",
            "QIANFAN_MODEL_API_PREFIX",
            "QIANFAN_AUTH_TIMEOUT",
            "QIANFAN_QPS_LIMIT",
            "QIANFAN_LLM_API_RETRY_COUNT",
            "QIANFAN_LLM_API_RETRY_ERR_CODES",
            "QIANFAN_USE_CUSTOM_ENDPOINT",
            "QIANFAN_SSL_VERIFICATION_ENABLED",
            "QIANFAN_PROXY",
            "QIANFAN_NO_AUTH",
            "QIANFAN_LOCAL",
        ],
    )
    def test_empty_and_none(self, name: str, value: str) -> None:
        """A variable that is empty or `none` is not set."""
        assert settings(**{name: value}) == settings()

    @pytest.mark.parametrize(
        ("word", "on"),
        [
            *[(word, True) for word in ("1", "y", "yes", "t", "true", "on", "TRUE", " Yes ")],
            *[(word, False) for word in ("0", "n", "no", "f", "false", "off", "False")],
        ],
    )
    def test_booleans(self, word: str, on: bool) -> None:
        """A boolean may be spelled in every way the classic SDK takes."""
        assert settings(QIANFAN_USE_CUSTOM_ENDPOINT=word).verbatim_endpoint is on

    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("QIANFAN_USE_CUSTOM_ENDPOINT", "maybe", "must be true or false, not 'maybe'"),
            ("QIANFAN_SSL_VERIFICATION_ENABLED", "2", "verify must be true or false, not '2'"),
            ("QIANFAN_LLM_API_RETRY_COUNT", "many", "retry_count must be a number of at least 0, not 'many'"),
            ("QIANFAN_LLM_API_RETRY_COUNT", "-1", "retry_count must be a number of at least 0, not '-1'"),
            ("QIANFAN_LLM_API_RETRY_COUNT", "inf", "retry_count must be a number"),
            ("QIANFAN_LLM_API_RETRY_TIMEOUT", "0", "request_timeout must be a number above 0, not '0'"),
            ("QIANFAN_AUTH_TIMEOUT", "nan", "auth_timeout must be a number above 0, not 'nan'"),
            ("QIANFAN_LLM_API_RETRY_BACKOFF_FACTOR", "-0.1", "backoff_factor must be a number of at least 0"),
            ("QIANFAN_LLM_API_RETRY_ERR_CODES", "18;19", "must list error codes, such as 18,336100"),
            ("QIANFAN_QPS_LIMIT", "-1", "query_per_second must be a number of at least 0, not '-1'"),
            ("QIANFAN_BASE_URL", "aip.baidubce.com", "is no http(s) URL"),
            ("QIANFAN_BASE_URL", "ftp://host", "is no http(s) URL"),
            ("QIANFAN_BASE_URL", "https://", "is no http(s) URL"),
            ("QIANFAN_BASE_URL", "http://[", "is no http(s) URL"),
            ("QIANFAN_BASE_URL", "http://host:99999", "is no http(s) URL"),
            ("QIANFAN_BASE_URL", "http://host:0", "is no http(s) URL"),
            ("QIANFAN_BASE_URL", "http://a..b", "is no http(s) URL"),
            ("QIANFAN_BASE_URL", f"http://{'a' * 64}.com", "is no http(s) URL"),
            ("QIANFAN_BASE_URL", "http://host/a b", "is no http(s) URL"),
            ("QIANFAN_BASE_URL", "http://host?a=b", "is no http(s) URL"),
            ("QIANFAN_BASE_URL", "http://host#a", "is no http(s) URL"),
            ("QIANFAN_PROXY", "socks5://proxy:1080", "only HTTP proxies are supported"),
            ("QIANFAN_PROXY", "http://[", "only HTTP proxies are supported"),
        ],
    )
    def test_bad_values(self, name: str, value: str, says: str) -> None:
        """A value that does not fit is told with its name and what would fit."""
        assert says in refusal(PAIR, **{name: value})

    def test_read_at_construction(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Variables set after the import count; those set after the construction do not."""
        for name, value in ENV_PAIR.items():
            monkeypatch.setenv(name, value)
        with qianfan.Qianfan() as client:
            monkeypatch.setenv("QIANFAN_BASE_URL", "http://later")

            assert "env-a" in repr(client)
            assert BASE_URL in repr(client)
        with qianfan.Qianfan() as client:
            assert "http://later" in repr(client)


class TestArguments:
    """What an argument sets."""

    @pytest.mark.parametrize(
        ("arguments", "field", "expected"),
        [
            ({"base_url": "http://host/"}, "base_url", "http://host"),
            ({"base_url": ""}, "base_url", BASE_URL),
            ({"retry_count": 0}, "retry", RetryPolicy(attempts=0)),
            ({"retry_count": 5, "backoff_factor": 0.1}, "retry", RetryPolicy(attempts=5, backoff_factor=0.1)),
            ({"request_timeout": 0.5}, "request_timeout", 0.5),
            (
                {"request_timeout": float("inf")},
                "request_timeout",
                2_000_000.0,
            ),  # as long as a socket can wait
            ({"query_per_second": 2}, "limiter", RateLimiter(2.0)),
            ({"request_per_minute": 60}, "limiter", RateLimiter(request_per_minute=60)),
            (
                {"token_per_minute": 9000, "query_per_second": 0.5},
                "limiter",
                RateLimiter(0.5, token_per_minute=9000),
            ),
            ({"query_per_second": None}, "limiter", None),
            ({"query_per_second": 0}, "limiter", None),
            ({"verify": False}, "network", Network(verify=False)),
            ({"ca_bundle": "ca.pem"}, "network", Network(ca_bundle="ca.pem")),
            ({"proxy": "http://proxy:1"}, "network", Network(proxy="http://proxy:1")),
            ({"proxy": "me:pw@proxy:1"}, "network", Network(proxy="http://me:pw@proxy:1")),
            ({"stream": True}, "local", False),
        ],
    )
    def test_argument(self, arguments: dict[str, Any], field: str, expected: Any) -> None:
        """Each argument sets what it is named for."""
        assert shown(getattr(settings(arguments), field)) == shown(expected)

    @pytest.mark.parametrize(
        ("arguments", "environment", "field", "expected"),
        [
            ({"base_url": "http://mine"}, {"QIANFAN_BASE_URL": "http://theirs"}, "base_url", "http://mine"),
            ({"retry_count": 2}, {"QIANFAN_LLM_API_RETRY_COUNT": "9"}, "retry", RetryPolicy(attempts=2)),
            ({"request_timeout": 2}, {"QIANFAN_LLM_API_RETRY_TIMEOUT": "9"}, "request_timeout", 2.0),
            ({"verify": True}, {"QIANFAN_SSL_VERIFICATION_ENABLED": "0"}, "network", Network()),
            ({"query_per_second": 1}, {"QIANFAN_QPS_LIMIT": "9"}, "limiter", RateLimiter(1.0)),
            ({"query_per_second": 0}, {"QIANFAN_QPS_LIMIT": "9"}, "limiter", None),
            ({"base_url": "http://mine"}, {"QIANFAN_LOCAL": "1"}, "local", False),
            ({}, {"QIANFAN_LOCAL": "1", "QIANFAN_BASE_URL": "http://theirs"}, "local", True),
        ],
    )
    def test_before_environment(
        self, arguments: dict[str, Any], environment: dict[str, str], field: str, expected: Any
    ) -> None:
        """An argument counts before a variable, also where it switches off."""
        assert shown(getattr(settings(arguments, **environment), field)) == shown(expected)

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ({"retry_count": -1}, "retry_count must be a number of at least 0, not -1"),
            ({"retry_count": "three"}, "retry_count must be a number"),
            ({"retry_count": float("inf")}, "retry_count must be a number"),
            ({"retry_count": True}, "retry_count must be a number of at least 0, not True"),
            ({"retry_count": [3]}, "retry_count must be a number"),
            ({"request_timeout": 0}, "request_timeout must be a number above 0, not 0"),
            ({"query_per_second": -2}, "query_per_second must be a number"),
            ({"base_url": "host"}, "base_url='host' is no http(s) URL"),
            ({"base_url": 1}, "base_url must be a str, not int"),
            ({"base_url": "http://me:pw@host"}, "base_url='host' is no http(s) URL"),
            ({"proxy": "ftp://me:pw@host"}, "the proxy 'host' is no http(s) URL"),
            ({"proxy": "http://me:12#pw@host"}, "the proxy 'host' is no http(s) URL"),
            ({"proxy": "http://me:12/pw@host"}, "the proxy 'host' is no http(s) URL"),
            ({"verify": "maybe"}, "verify must be true or false"),
        ],
    )
    def test_bad_values(self, arguments: dict[str, Any], says: str) -> None:
        """A value that does not fit is told with its name and what would fit, without a password."""
        text = refusal({**PAIR, **arguments})

        assert says in text
        assert "pw" not in text

    def test_unknown(self) -> None:
        """A misspelt argument is a `TypeError`, as for any Python call, that lists the known ones."""
        with pytest.raises(
            TypeError, match=r"unexpected argument 'query_per_secound'; known: .*query_per_second"
        ):
            resolve({"query_per_secound": 1}, {})

    def test_prefix(self) -> None:
        """The prefix of v1's URLs is the documented one."""
        assert MODEL_PREFIX == "/rpc/2.0/ai_custom/v1/wenxinworkshop"


class TestLimiter:
    """Which rate limiter an object has."""

    def test_the_one_that_was_passed(self) -> None:
        """A limiter that is passed is used itself, whatever limits are set for the others."""
        limiter = RateLimiter(5)
        environment = {"QIANFAN_QPS_LIMIT": "9", "QIANFAN_TPM_LIMIT": "9"}

        assert settings({"rate_limiter": limiter}, **environment).limiter is limiter

    @pytest.mark.parametrize("none", [None, 0])
    def test_beside_what_was_not_given(self, none: Any) -> None:
        """A limit of None or 0 is no second answer."""
        limiter = RateLimiter(5)

        assert settings({"rate_limiter": limiter, "query_per_second": none}).limiter is limiter

    @pytest.mark.parametrize("name", ["query_per_second", "request_per_minute", "token_per_minute"])
    def test_beside_a_limit(self, name: str) -> None:
        """A limiter and a limit beside it are refused."""
        text = refusal({**PAIR, "rate_limiter": RateLimiter(5), name: 5})

        assert f"rate_limiter and {name} are two answers to one question" in text

    def test_what_is_none(self) -> None:
        """A number is no limiter."""
        assert "rate_limiter must be a qianfan.RateLimiter, not int" in refusal({**PAIR, "rate_limiter": 5})

    def test_arguments_and_environment_together(self) -> None:
        """Each of the three limits comes from the strongest level that sets it."""
        made = settings({"request_per_minute": 7}, QIANFAN_QPS_LIMIT="5", QIANFAN_RPM_LIMIT="9")

        assert repr(made.limiter) == "RateLimiter(query_per_second=5.0, request_per_minute=7.0)"

    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("QIANFAN_RPM_LIMIT", "-1", "request_per_minute must be a number of at least 0, not '-1'"),
            ("QIANFAN_TPM_LIMIT", "many", "token_per_minute must be a number of at least 0, not 'many'"),
            ("QIANFAN_RPM_LIMIT", "0.5", "request_per_minute must be a number of at least 1, not 0.5"),
            ("QIANFAN_QPS_LIMIT", "inf", "query_per_second must be a number"),
        ],
    )
    def test_bad_limits(self, name: str, value: str, says: str) -> None:
        """A limit that is none is told by its name."""
        assert says in refusal(PAIR, **{name: value})

    def test_adaptive_by_what_was_passed_only(self) -> None:
        """Limits given as numbers are kept as they are."""
        assert settings({"query_per_second": 1}).limiter.adaptive is False


HTTPS, HTTP, LOOPBACK = "https://host", "http://host", "http://127.0.0.1:8000"


class TestProxy:
    """Through which proxy a host is reached."""

    @pytest.mark.parametrize(
        ("base_url", "argument", "environment", "proxy"),
        [
            (HTTPS, None, {}, None),
            (HTTPS, None, {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
            (HTTPS, None, {"https_proxy": "http://p:1"}, "http://p:1"),
            (HTTPS, None, {"HTTP_PROXY": "http://p:1"}, None),
            (HTTP, None, {"HTTP_PROXY": "http://p:1", "HTTPS_PROXY": "http://p:2"}, "http://p:1"),
            (HTTP, None, {"HTTPS_PROXY": "http://p:1"}, None),
            (HTTPS, None, {"ALL_PROXY": "p:1"}, "http://p:1"),
            (HTTPS, None, {"ALL_PROXY": "http://p:1", "HTTPS_PROXY": "http://p:2"}, "http://p:2"),
            (HTTPS, None, {"HTTPS_PROXY": ""}, None),
            # what names it more closely counts
            (HTTPS, "http://mine:1", {"HTTPS_PROXY": "http://p:1"}, "http://mine:1"),
            (HTTPS, "http://mine:1", {"QIANFAN_PROXY": "http://p:1"}, "http://mine:1"),
            (HTTPS, None, {"QIANFAN_PROXY": "http://q:1", "HTTPS_PROXY": "http://p:1"}, "http://q:1"),
            (HTTPS, None, {"QIANFAN_PROXY": "", "HTTPS_PROXY": "http://p:1"}, "http://p:1"),
            (HTTPS, "", {"QIANFAN_PROXY": "http://q:1", "HTTPS_PROXY": "http://p:1"}, None),
            # hosts that the environment exempts
            (HTTPS, None, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "host"}, None),
            (HTTPS, None, {"HTTPS_PROXY": "http://p:1", "no_proxy": "other,.host"}, None),
            (HTTPS, None, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
            (HTTPS, None, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "other"}, "http://p:1"),
            ("https://host:8443", None, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "host:8443"}, None),
            (HTTPS, "http://mine:1", {"NO_PROXY": "host"}, "http://mine:1"),
            # this machine is reached directly, unless a proxy is meant for us
            (LOOPBACK, None, {"HTTP_PROXY": "http://p:1"}, None),
            ("http://localhost:8000", None, {"HTTP_PROXY": "http://p:1"}, None),
            ("http://[::1]:8000", None, {"HTTP_PROXY": "http://p:1"}, None),
            (LOOPBACK, "http://mine:1", {}, "http://mine:1"),
            (LOOPBACK, None, {"QIANFAN_PROXY": "http://q:1"}, None),
            # and so is the platform in this process, whatever address the environment names
            (None, None, {"QIANFAN_LOCAL": "1", "HTTPS_PROXY": "http://p:1"}, None),
        ],
    )
    def test_selection(
        self, base_url: str, argument: str | None, environment: dict[str, str], proxy: str | None
    ) -> None:
        """Argument > QIANFAN_PROXY > the environment's for the scheme; loopback and exempt hosts directly."""
        assert settings({"base_url": base_url, "proxy": argument}, **environment).network.proxy == proxy


class TestDotenv:
    """The file that QIANFAN_DOT_ENV_CONFIG_FILE names."""

    def test_not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Naming a file without having the extra says how to install it."""
        monkeypatch.setitem(sys.modules, "dotenv", None)

        assert "pip install 'qianfan[dotenv]'" in refusal(QIANFAN_DOT_ENV_CONFIG_FILE=".env")

    def test_under_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What the file says counts where the environment says nothing."""
        stand_in = ModuleType("dotenv")
        stand_in.dotenv_values = lambda path: {
            "QIANFAN_AK": f"from {path}",
            "QIANFAN_SK": "from the file",
            "QIANFAN_QPS_LIMIT": None,
        }
        monkeypatch.setitem(sys.modules, "dotenv", stand_in)

        found = credential(environment={"QIANFAN_DOT_ENV_CONFIG_FILE": "my.env", "QIANFAN_SK": "env-s"})

        assert found == ApplicationKey("from my.env", "env-s")

    def test_not_utf_8(self, tmp_path: Path) -> None:
        """A file in another encoding, as Windows may write it, is told by its name."""
        (tmp_path / "my.env").write_bytes("QIANFAN_SK=密钥\n".encode("gbk"))
        text = refusal(QIANFAN_DOT_ENV_CONFIG_FILE=str(tmp_path / "my.env"))

        assert "my.env" in text
        assert "UTF-8" in text

    def test_not_looked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without the variable no file is read, whatever is installed."""
        monkeypatch.setitem(sys.modules, "dotenv", None)

        assert settings() == settings(QIANFAN_DOT_ENV_CONFIG_FILE="")
