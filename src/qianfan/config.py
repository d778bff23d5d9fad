"""Where settings come from: arguments, then `qianfan.AK()` and its kin and `get_config()`, then the environment."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, TypeVar

from qianfan.core.http import redact
from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

#: Every setting that is no argument alone, by its name after `QIANFAN_`, and its default.
DEFAULTS: dict[str, Any] = {
    "API_KEY": None,
    "BEARER_TOKEN": None,
    "APP_ID": None,
    "API_VERSION": None,
    "AK": None,
    "SK": None,
    "ACCESS_TOKEN": None,
    "ACCESS_KEY": None,
    "SECRET_KEY": None,
    "ACCESS_CODE": None,
    "NO_AUTH": False,
    "LOCAL": False,
    "BASE_URL": "https://aip.baidubce.com",
    "MODEL_API_PREFIX": "/rpc/2.0/ai_custom/v1/wenxinworkshop",
    "USE_CUSTOM_ENDPOINT": False,
    "CONSOLE_API_BASE_URL": "https://qianfan.baidubce.com",
    "IAM_BASE_URL": "https://iam.bj.baidubce.com",
    "AUTH_TIMEOUT": 5.0,
    "IAM_SIGN_EXPIRATION_SEC": 300.0,
    "BEARER_TOKEN_EXPIRED_INTERVAL": 43200.0,
    "LLM_API_RETRY_COUNT": 3,
    "LLM_API_RETRY_TIMEOUT": 300.0,
    "LLM_API_RETRY_BACKOFF_FACTOR": 1.0,
    "LLM_API_RETRY_MAX_WAIT_INTERVAL": 120.0,
    "LLM_API_RETRY_ERR_CODES": None,
    "CONSOLE_API_RETRY_COUNT": 1,
    "CONSOLE_API_RETRY_TIMEOUT": 60.0,
    "CONSOLE_API_RETRY_BACKOFF_FACTOR": 0.0,
    "CONSOLE_API_RETRY_MAX_WAIT_INTERVAL": 120.0,
    "CONSOLE_API_RETRY_ERR_CODES": None,
    "QPS_LIMIT": 0.0,
    "RPM_LIMIT": 0.0,
    "TPM_LIMIT": 0.0,
    "PROXY": None,
    "SSL_VERIFICATION_ENABLED": True,
}

_SECRET = frozenset({"API_KEY", "BEARER_TOKEN", "SK", "ACCESS_TOKEN", "SECRET_KEY", "ACCESS_CODE", "PROXY"})

_LOGIN = re.compile(r"//[^/@'\"]*@")

#: What was set, by the same names; None and "" were not set.
values: dict[str, Any] = {}


def AK(ak: str | None) -> None:  # noqa: N802  # the classic name
    """Set the application's API Key for objects made from now on; None takes it back."""
    values["AK"] = ak


def SK(sk: str | None) -> None:  # noqa: N802  # the classic name
    """Set the application's Secret Key for objects made from now on; None takes it back."""
    values["SK"] = sk


def AccessToken(access_token: str | None) -> None:  # noqa: N802  # the classic name
    """Set the access token for objects made from now on; None takes it back."""
    values["ACCESS_TOKEN"] = access_token


def AccessKey(access_key: str | None) -> None:  # noqa: N802  # the classic name
    """Set the IAM Access Key for objects made from now on; None takes it back."""
    values["ACCESS_KEY"] = access_key


def SecretKey(secret_key: str | None) -> None:  # noqa: N802  # the classic name
    """Set the IAM Secret Key for objects made from now on; None takes it back."""
    values["SECRET_KEY"] = secret_key


class Sources:
    """Three levels of settings, asked by name from the strongest to the weakest.

    Args:
        arguments: What a client or object was made with.
        environment: In place of the process's own, with the .env file under it.
    """

    def __init__(self, arguments: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> None:
        self.arguments = arguments
        self.setters = values
        self.env = _environment(environment)

    def find(self, name: str, env: str = "") -> tuple[int, Any]:
        """Return the level (0 strongest, 3 none) and the value of a setting."""
        key = (env or name).upper()
        variable = env if env.isupper() else f"QIANFAN_{key}"
        for level, value in enumerate(
            (self.arguments.get(name), self.setters.get(key), self.env.get(variable))
        ):
            if value is not None and value != "" and not (level == 2 and str(value).lower() == "none"):
                return level, value
        return 3, None

    def text(self, name: str, env: str = "") -> str | None:
        """Return a setting that is a str."""
        _, value = self.find(name, env)
        if value is not None and not isinstance(value, str):
            raise InvalidArgumentError(f"{name} must be a str, not {type(value).__name__}")
        return value

    def read(self, name: str, check: Callable[[str, Any], T], env: str = "") -> T:
        """Return a setting, or its default, as its check gives it back."""
        _, value = self.find(name, env)
        return check(name, DEFAULTS[(env or name).upper()] if value is None else value)

    def flag(self, name: str, *, default: bool, env: str = "") -> bool:
        """Return a setting that is on or off, in the spellings the classic SDK takes."""
        _, value = self.find(name, env)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word in {"1", "y", "yes", "t", "true", "on"}:
            return True
        if word in {"0", "n", "no", "f", "false", "off"}:
            return False
        raise InvalidArgumentError(f"{name} must be true or false, not {value!r}")

    def codes(self, name: str, default: frozenset[int]) -> frozenset[int]:
        """Return a setting that lists error codes, such as `18,336100`."""
        text = self.text(name)
        if text is None:
            return default
        try:
            return frozenset(int(part) for part in text.strip("[]{}() ").split(",") if part.strip())
        except ValueError:
            raise InvalidArgumentError(
                f"{name} must list error codes, such as 18,336100, not {text!r}"
            ) from None


def _environment(given: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the environment, with the .env file under it that QIANFAN_DOT_ENV_CONFIG_FILE names."""
    env = os.environ if given is None else given
    path = env.get("QIANFAN_DOT_ENV_CONFIG_FILE")
    if not path:
        return env
    try:
        from dotenv import dotenv_values
    except ImportError:
        raise InvalidArgumentError(
            "QIANFAN_DOT_ENV_CONFIG_FILE is set, but python-dotenv is not installed",
            hint="pip install 'qianfan[dotenv]'",
        ) from None
    try:
        found = dotenv_values(path)
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(
            f"QIANFAN_DOT_ENV_CONFIG_FILE={path!r} cannot be read: {error}",
            hint="文件须可读，且为 UTF-8 文本 (it must be UTF-8 text, and readable)",
        ) from None
    return {**{key: value for key, value in found.items() if value is not None}, **env}


class Config:
    """The settings of this process by name: `get_config().AK = "..."`, read back as `get_config().AK`.

    The names are those of the environment without `QIANFAN_`, in any case. What is set holds for
    objects made from then on; None takes it back. Reading gives what was set, else what the
    environment says, else the default.
    """

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        key = name.upper()
        if key not in DEFAULTS:
            raise AttributeError(f"no setting {name!r}; known: {', '.join(DEFAULTS)}")
        sources, default = Sources({}), DEFAULTS[key]
        _, value = sources.find(name)
        if value is None or default is None:
            return value if default is None else default
        try:
            return sources.flag(name, default=default) if isinstance(default, bool) else type(default)(value)
        except ValueError:
            return value  # what is wrong with it, the object that is made with it says

    def __setattr__(self, name: str, value: Any) -> None:
        key = name.upper()
        if key not in DEFAULTS:
            from difflib import get_close_matches

            near = get_close_matches(key, DEFAULTS, n=1)
            raise InvalidArgumentError(
                f"no setting {name!r}",
                hint=f"did you mean {near[0]}?" if near else f"known: {', '.join(DEFAULTS)}",
            )
        values[key] = value

    def __dir__(self) -> list[str]:
        return list(DEFAULTS)

    def __repr__(self) -> str:
        held = {name: getattr(self, name) for name in DEFAULTS}
        shown = {name: value for name, value in held.items() if value or value != DEFAULTS[name]}
        words = [f"{name}={'***' if name in _SECRET else value!r}" for name, value in shown.items()]
        return f"Config({_LOGIN.sub('//***@', redact(', '.join(words)))})"


_config = Config()


def get_config() -> Config:
    """Return the settings of this process; see `Config`."""
    return _config
