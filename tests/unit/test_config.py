"""What a program sets for all objects it makes from then on."""

from __future__ import annotations

import copy
import os
from typing import TYPE_CHECKING, Any

import pytest

import qianfan
from qianfan import config, get_config
from qianfan.errors import InvalidArgumentError
from qianfan.settings import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

PAIR = {"AK": "a", "SK": "s"}


@pytest.fixture(autouse=True)
def _set_for_the_test_only() -> Iterator[None]:
    """Take back what a test sets."""
    yield
    config.values.clear()


def describe() -> str:
    """Return all that the settings of an object made now say, or the refusal."""
    try:
        made = resolve({})
    except InvalidArgumentError as error:
        return str(error)
    return " ".join([repr(made), repr(vars_of(made.credential)), repr(made.network.proxy)])


def vars_of(value: Any) -> list[Any]:
    """Return the fields of a credential, which its repr does not show."""
    return [getattr(value, name) for name in value.__slots__]


class TestNames:
    """Settings are read and set by name."""

    @pytest.mark.parametrize("name", ["QPS_LIMIT", "qps_limit", "Qps_Limit"])
    def test_in_any_case(self, name: str) -> None:
        """A name is the same in any case, and the configuration is one for the whole process."""
        setattr(get_config(), name, 5)

        assert (getattr(get_config(), name), get_config().QPS_LIMIT) == (5, 5)

    @pytest.mark.parametrize("name", config.DEFAULTS)
    def test_every_name_reads_its_default(self, name: str) -> None:
        """Where nobody has said anything the default is read."""
        assert getattr(get_config(), name) == config.DEFAULTS[name]

    @pytest.mark.parametrize("name", config.DEFAULTS)
    def test_every_name_reads_what_was_set(self, name: str) -> None:
        """What was set is read back, by the kind of its default."""
        mine: Any = {bool: not config.DEFAULTS[name], float: 7.5, int: 7}.get(
            type(config.DEFAULTS[name]), "mine"
        )
        setattr(get_config(), name, mine)

        assert getattr(get_config(), name) == mine

    @pytest.mark.parametrize("nothing", [None, ""])
    def test_taken_back(self, nothing: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        """None takes back what was set; what the environment says counts again."""
        monkeypatch.setenv("QIANFAN_AK", "from the environment")
        get_config().AK = "mine"
        get_config().AK = nothing

        assert get_config().AK == "from the environment"

    @pytest.mark.parametrize(
        ("name", "said", "read"),
        [
            ("QPS_LIMIT", "5", 5.0),
            ("LLM_API_RETRY_COUNT", "7", 7),
            ("LOCAL", "0", False),
            ("AK", "none", None),
        ],
    )
    def test_the_environment_is_read_as_what_it_means(
        self, name: str, said: str, read: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A variable reads as the number or switch it stands for, and `none` as nothing."""
        monkeypatch.setenv(f"QIANFAN_{name}", said)

        assert (getattr(get_config(), name), type(getattr(get_config(), name))) == (read, type(read))

    @pytest.mark.parametrize(("name", "near"), [("QPS_LIMITS", "QPS_LIMIT"), ("base_ur", "BASE_URL")])
    def test_a_misspelt_name(self, name: str, near: str) -> None:
        """A name that is none is refused with the nearest, and never silently kept."""
        with pytest.raises(InvalidArgumentError, match=f"no setting '{name}'.*did you mean {near}"):
            setattr(get_config(), name, 1)
        with pytest.raises(AttributeError, match=f"no setting '{name}'"):
            getattr(get_config(), name)

    def test_a_name_near_none(self) -> None:
        """Where no name is near, all are told."""
        with pytest.raises(InvalidArgumentError, match=r"known: API_KEY, .*AK, SK"):
            get_config().colour = "blue"

    def test_listed(self) -> None:
        """`dir` tells the names."""
        assert set(dir(get_config())) == set(config.DEFAULTS)

    def test_copied(self) -> None:
        """Whatever looks for special methods finds none under a setting's name."""
        get_config().AK = "mine"

        assert copy.copy(get_config()).AK == "mine"


#: A value for each name that no default has, and the other settings it needs to show.
TELLING: dict[str, tuple[Any, dict[str, Any]]] = {
    "API_KEY": ("mine", {}),
    "BEARER_TOKEN": ("mine", {}),
    "APP_ID": ("app-mine", PAIR),
    "API_VERSION": (1, {**PAIR, "API_KEY": "k"}),
    "IAM_BASE_URL": ("http://mine", PAIR),
    "BEARER_TOKEN_EXPIRED_INTERVAL": (7, PAIR),
    "AK": ("mine", {"SK": "s"}),
    "SK": ("mine", {"AK": "a"}),
    "ACCESS_TOKEN": ("mine", {}),
    "ACCESS_KEY": ("mine", {}),
    "ACCESS_CODE": ("mine", {}),
    "NO_AUTH": (True, {}),
    "LOCAL": (True, {}),
    "BASE_URL": ("http://mine", PAIR),
    "MODEL_API_PREFIX": ("/mine", PAIR),
    "USE_CUSTOM_ENDPOINT": (True, PAIR),
    "AUTH_TIMEOUT": (7.25, PAIR),
    "LLM_API_RETRY_COUNT": (7, PAIR),
    "LLM_API_RETRY_TIMEOUT": (7.25, PAIR),
    "LLM_API_RETRY_BACKOFF_FACTOR": (7.25, PAIR),
    "LLM_API_RETRY_MAX_WAIT_INTERVAL": (7.25, PAIR),
    "LLM_API_RETRY_ERR_CODES": ("18", PAIR),
    "QPS_LIMIT": (7.25, PAIR),
    "RPM_LIMIT": (7.25, PAIR),
    "TPM_LIMIT": (7.25, PAIR),
    "PROXY": ("http://mine:1", PAIR),
    "SSL_VERIFICATION_ENABLED": (False, PAIR),
    "SECRET_KEY": ("mine", {"ACCESS_KEY": "ALTAK"}),
    "CONSOLE_API_BASE_URL": ("http://mine", PAIR),
    "IAM_SIGN_EXPIRATION_SEC": (7, PAIR),
    "CONSOLE_API_RETRY_COUNT": (7, PAIR),
    "CONSOLE_API_RETRY_TIMEOUT": (7.25, PAIR),
    "CONSOLE_API_RETRY_BACKOFF_FACTOR": (7.25, PAIR),
    "CONSOLE_API_RETRY_MAX_WAIT_INTERVAL": (7.25, PAIR),
    "CONSOLE_API_RETRY_ERR_CODES": ("18", PAIR),
}


class TestEffects:
    """What is set holds for objects made from then on."""

    def test_every_name_is_tested(self) -> None:
        """A new setting gets a line in the table above."""
        assert set(TELLING) == set(config.DEFAULTS)

    @pytest.mark.parametrize("name", TELLING)
    def test_every_name_has_an_effect(self, name: str) -> None:
        """Each setting changes what an object is made with, and taken back it does no longer."""
        value, others = TELLING[name]
        config.values.update(others)
        before = describe()

        setattr(get_config(), name, value)
        changed = describe()
        setattr(get_config(), name, None)

        assert changed != before
        assert describe() == before

    @pytest.mark.parametrize("name", TELLING)
    def test_as_the_environment_has_it(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A setting does what the variable of the same name does."""
        value, others = TELLING[name]
        config.values.update(others)
        setattr(get_config(), name, value)
        by_setting = describe()
        setattr(get_config(), name, None)
        monkeypatch.setenv(f"QIANFAN_{name}", str(value))

        assert describe() == by_setting

    def test_arguments_are_stronger_and_the_environment_weaker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Argument > setting > environment."""
        monkeypatch.setenv("QIANFAN_BASE_URL", "http://environment")
        config.values.update(PAIR)
        get_config().BASE_URL = "http://setting"

        assert resolve({}).base_url == "http://setting"
        assert resolve({"base_url": "http://argument"}).base_url == "http://argument"

    def test_off_where_the_environment_says_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """0 and False are settings too."""
        monkeypatch.setenv("QIANFAN_QPS_LIMIT", "5")
        monkeypatch.setenv("QIANFAN_LOCAL", "1")
        config.values.update(PAIR)
        get_config().QPS_LIMIT = 0
        get_config().LOCAL = False

        assert (resolve({}).limiter, resolve({}).local) == (None, False)

    def test_a_bad_value_is_told_when_an_object_is_made(self) -> None:
        """The object that would need it is what refuses it."""
        config.values.update(PAIR)
        get_config().QPS_LIMIT = "many"

        with pytest.raises(InvalidArgumentError, match="query_per_second must be a number"):
            resolve({})


@pytest.mark.parametrize("name", ["AK", "SK", "AccessToken", "AccessKey", "SecretKey"])
def test_setters_write_to_it(name: str) -> None:
    """`qianfan.AK()` and its kin set what `get_config()` reads, and None takes it back."""
    key = {"AccessToken": "ACCESS_TOKEN", "AccessKey": "ACCESS_KEY", "SecretKey": "SECRET_KEY"}.get(
        name, name
    )
    setter = getattr(qianfan, name)

    setter("mine")
    assert getattr(get_config(), key) == "mine"
    setter(None)
    assert getattr(get_config(), key) is None


class TestRepr:
    """What it shows."""

    def test_what_is_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It shows what holds, wherever that comes from."""
        monkeypatch.setenv("QIANFAN_MODEL_API_PREFIX", "/mine")
        get_config().QPS_LIMIT = 5

        assert "QPS_LIMIT=5" in repr(get_config())
        assert "MODEL_API_PREFIX='/mine'" in repr(get_config())

    def test_what_is_switched_off(self) -> None:
        """What is off although it is on by default shows: it is what one looks for."""
        get_config().SSL_VERIFICATION_ENABLED = False

        assert "SSL_VERIFICATION_ENABLED=False" in repr(get_config())

    @pytest.mark.parametrize("name", ["SK", "ACCESS_TOKEN", "SECRET_KEY", "ACCESS_CODE", "PROXY"])
    @pytest.mark.parametrize("source", ["set", "environment"])
    def test_no_secret(self, name: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is secret is shown as there, and nothing of it."""
        if source == "set":
            setattr(get_config(), name, "http://me:the-secret@proxy:1")
        else:
            monkeypatch.setenv(f"QIANFAN_{name}", "http://me:the-secret@proxy:1")

        assert f"{name}='***'" in repr(get_config())
        assert "the-secret" not in repr(get_config())

    def test_no_secret_in_a_url(self) -> None:
        """A password in the address is none of the reader's business either."""
        get_config().BASE_URL = "http://me:the-secret@host"

        assert "the-secret" not in repr(get_config())


def test_nothing_is_written_to_the_environment() -> None:
    """What is set stays in this process."""
    get_config().AK = "mine"

    assert "QIANFAN_AK" not in os.environ
