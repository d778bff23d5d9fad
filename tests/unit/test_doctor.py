"""What `qianfan doctor` says of keys and of the environment, before anything is sent."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

import qianfan
from qianfan.config import DEFAULTS, Sources
from qianfan.doctor import State, environment, examine, keys
from qianfan.doctor.findings import failed
from qianfan.doctor.network import within
from qianfan.errors import APIError, RequestTimeoutError

if TYPE_CHECKING:
    from pathlib import Path

    from qianfan.doctor import Finding

API_KEY = "bce-v3/ALTAK-0123456789abcdef/" + "5ecret" * 6
ACCESS_KEY = "ALTAK0123456789abcdef012345"
TOKEN = f"24.{'5ecf00d1' * 4}.2592000.1900000000.282335-1"
SECRET = "5ecret" * 5


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def told(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[Finding]:
    """Return what is said of the keys in an environment."""
    for name, value in variables.items():
        monkeypatch.setenv(f"QIANFAN_{name}", value)
    return list(keys.findings(Sources({})))


class TestMasked:
    """How much of a credential is shown."""

    @pytest.mark.parametrize(
        ("name", "value", "shown"),
        [
            ("api_key", API_KEY, "bce-v3/ALTAK-0123…（66 个字符）"),
            ("sk", API_KEY, "bce-v3/ALTAK-0123…（66 个字符）"),
            ("access_key", ACCESS_KEY, "ALTAK0123…（27 个字符）"),
            ("app_id", "app-0123456789ab", "app-0123…（16 个字符）"),
            ("ak", "5hRFcoui8hP2h6lw5W4cVnEd", "5hRF…（24 个字符）"),
            ("ak", "short", "***（5 个字符）"),
            ("sk", SECRET, "***（30 个字符）"),
            ("secret_key", SECRET, "***（30 个字符）"),
            ("access_token", TOKEN, "***（63 个字符）"),
            ("access_code", SECRET, "***（30 个字符）"),
            ("api_key", SECRET, "***（30 个字符）"),
            ("api_key", "bce-v3/ALTAK-", "***（13 个字符）"),
        ],
    )
    def test_shown(self, name: str, value: str, shown: str) -> None:
        """Of an id the beginning is shown, of a secret its length alone, and never half of anything."""
        assert keys.masked(name, value) == shown


class TestKeys:
    """Whether credentials look like what they stand for."""

    @pytest.mark.parametrize(
        "variables",
        [
            {"API_KEY": API_KEY},
            {"BEARER_TOKEN": API_KEY},
            {"API_KEY": "a-gateway-s-own"},
            {"ACCESS_KEY": ACCESS_KEY, "SECRET_KEY": SECRET},
            {"ACCESS_TOKEN": TOKEN},
            {"AK": "5hRFcoui8hP2h6lw5W4cVnEd", "SK": SECRET},
            {"ACCESS_CODE": SECRET},
            {"APP_ID": "app-Abc123"},
        ],
    )
    def test_right(self, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
        """Each kind of credential is right in its place, and told with the variable it stands in."""
        (finding,) = told(monkeypatch, **variables)

        assert (finding.about, finding.state, finding.advice) == ("key", State.GOOD, "")
        assert [name for name in variables if f"QIANFAN_{name} = " not in finding.says] == []

    @pytest.mark.parametrize(
        ("variables", "advice"),
        [
            ({"API_KEY": TOKEN}, "access_token="),
            ({"API_KEY": ACCESS_KEY}, "access_key="),
            ({"API_KEY": "app-Abc123"}, "app_id="),
            ({"API_KEY": "****"}, "get_secret_value()"),
            ({"AK": API_KEY}, "api_key="),
            ({"AK": API_KEY, "SK": SECRET}, "api_key="),
            ({"AK": "a", "SK": API_KEY}, "sk holds a v2 API key"),
            ({"AK": ACCESS_KEY, "SK": SECRET}, "access_key="),
            ({"ACCESS_KEY": API_KEY}, "api_key="),
            ({"ACCESS_KEY": ACCESS_KEY, "SECRET_KEY": TOKEN}, "access_token="),
            ({"ACCESS_TOKEN": API_KEY}, "api_key="),
            ({"ACCESS_CODE": API_KEY}, "api_key="),
            ({"APP_ID": API_KEY}, "api_key="),
            ({"AK": "a"}, "缺少 sk"),
            ({"SK": SECRET}, "缺少 ak"),
            ({"ACCESS_KEY": ACCESS_KEY}, "缺少 secret_key"),
            ({"SECRET_KEY": SECRET}, "缺少 access_key"),
            ({"API_KEY": f"{API_KEY}\n"}, "white space"),
            ({"API_KEY": f'"{API_KEY}"'}, "quotes"),
            ({"AK": "a", "SK": f"{SECRET} "}, "sk 带有空格"),
            ({"API_KEY": "bce-v3/你的密钥"}, "中文"),
        ],
    )
    def test_wrong(self, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], advice: str) -> None:
        """A misplaced key, half of a pair and a badly copied value are told with what to do, and not shown."""
        (finding,) = told(monkeypatch, **variables)

        assert finding.state is State.BAD
        assert advice in finding.advice
        assert "5ec" not in finding.says + finding.advice

    def test_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No credential is no fault here: the local platform needs none."""
        (finding,) = told(monkeypatch)

        assert finding.state is State.NOTE

    def test_empty_is_not_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A variable that is empty or `none` counts as not set."""
        (finding,) = told(monkeypatch, API_KEY="", SK="none")

        assert finding.says == "没有设置任何密钥 (no credential is set)"

    def test_several(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each kind is a finding of its own, in the order in which they are preferred."""
        found = told(monkeypatch, AK="a", SK=SECRET, API_KEY=API_KEY, APP_ID="app-Abc123")

        assert [finding.says.partition(" ")[0] for finding in found] == [
            "QIANFAN_API_KEY",
            "QIANFAN_AK",
            "QIANFAN_APP_ID",
        ]

    def test_of_a_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A key that stands in the .env file is told with the file; the environment's own is not."""
        file = tmp_path / "my.env"
        file.write_text(f"QIANFAN_AK=abcdefghijkl\nQIANFAN_SK={SECRET}\n")
        monkeypatch.setenv("QIANFAN_DOT_ENV_CONFIG_FILE", str(file))
        (finding,) = told(monkeypatch, SK=SECRET)

        assert finding.says == f"QIANFAN_AK（{file}） = abcd…（12 个字符），QIANFAN_SK = ***（30 个字符）"

    def test_of_a_setter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A key that a program has set is told as such."""
        qianfan.SK(SECRET)
        (finding,) = told(monkeypatch, AK="abcdefghijkl")

        assert finding.says == ("QIANFAN_AK = abcd…（12 个字符），qianfan.get_config().SK = ***（30 个字符）")


class TestEnvironment:
    """Variables and files that were meant to count, and do not."""

    @pytest.mark.parametrize(
        ("name", "near"),
        [
            ("QIANFAN_APIKEY", "QIANFAN_API_KEY"),
            ("QIANFAN_ACCESSKEY", "QIANFAN_ACCESS_KEY"),
            ("QIANFAN_SECRETKEY", "QIANFAN_SECRET_KEY"),
            ("QIANFAN_APPID", "QIANFAN_APP_ID"),
            ("QIANFAN_API_VERSOIN", "QIANFAN_API_VERSION"),
        ],
    )
    def test_misspelt(self, name: str, near: str) -> None:
        """A variable whose name is nearly that of a setting is noted, with that name and without its value."""
        (finding,) = environment.findings({name: SECRET})

        assert (finding.about, finding.state) == ("environment", State.NOTE)
        assert name in finding.says
        assert near in finding.advice
        assert "5ecret" not in finding.says + finding.advice

    @pytest.mark.parametrize(
        "names", [[f"QIANFAN_{name}" for name in DEFAULTS], ["QIANFAN_ENABLE_STRESS_TEST"], ["API_KEY"]]
    )
    def test_nothing_to_tell(self, names: list[str]) -> None:
        """Settings, and names that are near to none, are no matter."""
        assert list(environment.findings(dict.fromkeys(names, "1"))) == []

    @pytest.mark.parametrize("name", ["not there.env", "."])
    def test_no_file(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        """A .env file that is named and not there is wrong: the client would go on without it."""
        monkeypatch.setenv("QIANFAN_DOT_ENV_CONFIG_FILE", name)
        (finding,) = environment.findings(os.environ)

        assert finding.state is State.BAD
        assert name in finding.says

    def test_not_read(self, tmp_path: Path) -> None:
        """A .env file in the directory that nobody named is noted, where it holds settings of this package."""
        (tmp_path / ".env").write_text("OTHER=1\n")
        assert list(environment.findings({})) == []

        (tmp_path / ".env").write_text(f"QIANFAN_SK={SECRET}\n")
        (finding,) = environment.findings({})

        assert finding.state is State.NOTE
        assert "QIANFAN_DOT_ENV_CONFIG_FILE=.env" in finding.advice

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes as POSIX has them")
    def test_a_pipe(self) -> None:
        """A named pipe in its place, as keepers of passwords make one, is left alone."""
        os.mkfifo(".env")

        assert list(environment.findings({})) == []

    def test_unreadable(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A .env file in another encoding ends the story with a finding."""
        (tmp_path / "my.env").write_bytes(f"QIANFAN_SK={SECRET}密钥\n".encode("gbk"))
        monkeypatch.setenv("QIANFAN_DOT_ENV_CONFIG_FILE", "my.env")
        (finding,) = examine()

        assert (finding.about, finding.state) == ("environment", State.BAD)
        assert "my.env" in finding.says
        assert "UTF-8" in finding.advice


class TestStory:
    """What is told where nothing is sent."""

    def test_no_credential(self) -> None:
        """Without a credential the story ends with the ways to give one."""
        found = list(examine())

        assert [(finding.about, finding.state) for finding in found] == [
            ("key", State.NOTE),
            ("api", State.BAD),
        ]
        assert "QIANFAN_LOCAL=1" in found[-1].advice

    def test_advice_is_given_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where a key is told as wrong, what the client says of it comes without a second advice."""
        monkeypatch.setenv("QIANFAN_AK", API_KEY)
        found = list(examine())

        assert [(finding.about, finding.state, bool(finding.advice)) for finding in found] == [
            ("key", State.BAD, True),
            ("api", State.BAD, False),
        ]

    @pytest.mark.parametrize(
        "bad",
        ["API_VERSION", "BASE_URL", "CONSOLE_API_BASE_URL", "IAM_BASE_URL", "LOCAL", "QPS_LIMIT", "NO_AUTH"],
    )
    @pytest.mark.parametrize("value", [API_KEY, TOKEN, SECRET], ids=["API key", "token", "secret key"])
    def test_no_secret_of_the_wrong_place(
        self, monkeypatch: pytest.MonkeyPatch, bad: str, value: str
    ) -> None:
        """A credential in a setting that is none is not quoted, although what is wrong with the setting is."""
        monkeypatch.setenv("QIANFAN_API_KEY", API_KEY)
        monkeypatch.setenv("QIANFAN_SK", SECRET)  # a secret that has no form is known by standing here too
        monkeypatch.setenv("QIANFAN_AK", "abcdefghijkl")
        monkeypatch.setenv(f"QIANFAN_{bad}", value)
        found = list(examine())

        assert found[-1].state is State.BAD
        assert "5ec" not in str(found)


class TestFailed:
    """What an error is told as."""

    def test_code_and_request(self) -> None:
        """The platform's code, its words and the request's id are told."""
        finding = failed("call", APIError(17, "used up", "as-123"))

        assert finding.says == "[17] used up (request id as-123)"
        assert finding.advice

    def test_time(self) -> None:
        """Where nothing was heard in time, the network is what to check, and not how long was waited."""
        finding = failed("call", RequestTimeoutError("no answer", hint="raise request_timeout"))

        assert finding.says == "no answer"
        assert "request_timeout" not in finding.advice


class TestWithin:
    """That no look takes longer than it may."""

    def test_what_hangs_is_left(self) -> None:
        """What does not end, as the question for a name may not, is not waited for."""
        over = threading.Event()
        with pytest.raises(TimeoutError):
            within(0.05, over.wait)
        over.set()

    def test_what_ends_is_told(self) -> None:
        """A result is returned, an exception raised."""
        assert within(10, lambda: 3) == 3
        with pytest.raises(ZeroDivisionError):
            within(10, lambda: 1 / 0)
