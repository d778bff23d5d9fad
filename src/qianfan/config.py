"""What a program sets for all objects it makes from then on: `qianfan.AK()` and its kin, `get_config()`.

Arguments are stronger, the environment is weaker.
"""

from __future__ import annotations

import os
from typing import Any

from qianfan.core.http import redact
from qianfan.errors import InvalidArgumentError

#: Every setting that is no argument alone, by its name after `QIANFAN_`, and its default.
DEFAULTS: dict[str, Any] = {
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
    "AUTH_TIMEOUT": 5.0,
    "LLM_API_RETRY_COUNT": 3,
    "LLM_API_RETRY_TIMEOUT": 300.0,
    "LLM_API_RETRY_BACKOFF_FACTOR": 1.0,
    "LLM_API_RETRY_MAX_WAIT_INTERVAL": 120.0,
    "LLM_API_RETRY_ERR_CODES": None,
    "QPS_LIMIT": 0.0,
    "RPM_LIMIT": 0.0,
    "TPM_LIMIT": 0.0,
    "PROXY": None,
    "SSL_VERIFICATION_ENABLED": True,
}

_SECRET = frozenset({"SK", "ACCESS_TOKEN", "SECRET_KEY", "ACCESS_CODE", "PROXY"})

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
        value = values.get(key)
        if value is None or value == "":
            return os.environ.get(f"QIANFAN_{key}") or DEFAULTS[key]
        return value

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
        shown = {name: getattr(self, name) for name in DEFAULTS}
        masked = {name: "***" if value and name in _SECRET else value for name, value in shown.items()}
        return f"Config({redact(', '.join(f'{name}={value!r}' for name, value in masked.items() if value))})"


_config = Config()


def get_config() -> Config:
    """Return the settings of this process; see `Config`."""
    return _config
