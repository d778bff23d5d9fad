"""`qianfan models` and the completion of names, in processes of their own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import COMMAND, Terminal, environment, posix, run
from support.replies import page, whole
from support.server import Server, closed_port
from support.worlds import unary

from qianfan.errors import RequestError

KEY = "bce-v3/ALTAK-0123456789abcdef/" + "5ecret" * 6


@pytest.fixture
def server():
    """A scripted service, which answers the list of models as a test says."""
    with Server() as running:
        yield running


@pytest.fixture
def at():
    """Run `qianfan models` with a key, where a URL leads to."""
    return lambda url, *arguments, **env: run(
        "models", *arguments, **{"QIANFAN_API_KEY": KEY, "QIANFAN_CONSOLE_API_BASE_URL": url, **env}
    )


@pytest.fixture
def platform(start):
    """A platform with a service of one's own."""
    running = start()
    running.add_endpoint("counter")
    return running


def rows(done):
    """Return what a command with --json printed."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def listed(*names):
    """Return the reply of a service that lists these."""
    return whole({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


# Catalogue and service


def test_the_catalogue_without_keys():
    """Without a key the catalogue is listed alone, and one line on stderr says why."""
    done = run("models")

    assert done.returncode == 0
    assert len(done.stderr.splitlines()) == 1
    assert "no credential found" in done.stderr
    assert re.search(r"^ernie-4\.5-turbo-128k +对话", done.stdout, re.MULTILINE)
    assert "服务" not in done.stdout


def test_offline_asks_nobody(at, server):
    """--offline lists the catalogue alone and sends nothing."""
    done = at(server.url, "--offline", "--json")

    assert {row["service"] for row in rows(done)} == {None}
    assert (done.stderr, server.requests) == ("", [])


def test_catalogue_and_service(at, server):
    """A model of the catalogue says whether the service lists it; what only the service lists comes after."""
    server.always(listed("ERNIE-4.0-8K", "my_service", "ernie-9"))
    found = rows(at(server.url, "--json"))
    by_id = {row["id"]: row for row in found}

    assert (server.requests[0].method, server.requests[0].path) == ("GET", "/v2/models")
    assert by_id["ernie-4.0-8k"]["service"] is True  # names are the same in any case
    assert by_id["ernie-3.5-8k"]["service"] is False
    assert [row["id"] for row in found if not row["catalogue"]] == ["my_service", "ernie-9"]
    assert found[-1] == {
        "id": "ernie-9",
        "kind": None,
        "catalogue": False,
        "service": True,
        "old_names": [],
        "reasoning": None,
    }


def test_old_names_stand_beside_what_replaces_them(at, server):
    """Each model of v2 names the old names that lead to it."""
    by_id = {row["id"]: row for row in rows(at(server.url, "--offline", "--json"))}

    assert by_id["ernie-4.0-8k"]["old_names"] == ["ERNIE-Bot-4"]
    assert "ERNIE-Bot-turbo" in by_id["ernie-lite-8k"]["old_names"]
    assert by_id["deepseek-r1"]["reasoning"] is True


def test_the_platform_s_list(platform, at):
    """At the local platform every model of the catalogue is there, and the service of one's own."""
    done = at(platform.url, QIANFAN_API_KEY=platform.api_key)
    lines = done.stdout.splitlines()

    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0].split() == ["名称", "种类", "服务", "旧名"]
    assert {line.split()[2] for line in lines[1:-1]} == {"有"}
    assert lines[-1].split() == ["counter", "-", "目录外", "-"]


@pytest.mark.parametrize("version", ["1", "2"])
def test_access_keys_are_exchanged(platform, version):
    """IAM keys ask too, also where the version that other calls go to is 1."""
    done = run("models", **{**platform.environment, "QIANFAN_API_VERSION": version})

    assert done.stderr == ""
    assert "目录外" in done.stdout


def test_the_platform_in_this_process():
    """QIANFAN_LOCAL needs no key to be asked."""
    done = run("models", "--json", QIANFAN_LOCAL="1")

    assert {row["service"] for row in rows(done)} == {True}


def test_keys_of_v1_do_not_ask(platform):
    """An application's keys serve v1 only: the catalogue is listed alone."""
    done = run("models", QIANFAN_AK=platform.ak, QIANFAN_SK=platform.sk)

    assert done.returncode == 0
    assert "version=2" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_guide_shows_what_is_printed(platform):
    """The lines in the guide are among those of the command."""
    guide = (Path(__file__).parents[2] / "docs/guides/v2.md").read_text("utf-8")
    shown = re.findall(r"```text\n\$ qianfan (models.*?)\n(.*?)```", guide, re.DOTALL)
    printed = {
        command: [
            line.split()
            for line in run(
                *command.split(),
                QIANFAN_API_KEY=platform.api_key,
                QIANFAN_CONSOLE_API_BASE_URL=platform.url,
            ).stdout.splitlines()
        ]
        for command, _ in shown
    }

    assert list(printed) == ["models", "models --old"]
    for command, text in shown:
        assert [line for line in text.splitlines() if line.split() not in printed[command]] == []


# Choosing


def test_one_kind(at, server):
    """--kind lists the models of a kind, and nothing whose kind nobody says."""
    server.always(listed("embedding-v1", "my_service"))
    found = rows(at(server.url, "--kind", "embedding", "--json"))

    assert {row["kind"] for row in found} == {"embedding"}
    assert [row["id"] for row in found if row["service"]] == ["embedding-v1"]


def test_completions_are_written_by_the_models_of_chat():
    """--kind completion lists the models that write completions, which without it stand there once."""
    writing = rows(run("models", "--kind", "completion", "--json"))
    names = [row["id"] for row in rows(run("models", "--json"))]

    assert "ernie-4.0-8k" in {row["id"] for row in writing}
    assert len(names) == len(set(names))


def test_a_kind_that_is_not_there():
    """An unknown kind is refused with exit code 2 and the kinds there are."""
    done = run("models", "--kind", "video")

    assert (done.returncode, done.stdout) == (2, "")
    assert "text2image" in done.stderr


def test_a_kind_without_models_of_v2():
    """A kind that exists on v1 only has no living models, and its old names."""
    living = run("models", "--kind", "image2text", "--offline")

    assert (living.returncode, living.stdout, living.stderr) == (0, "", "（没有）\n")
    assert [row["name"] for row in rows(run("models", "--kind", "image2text", "--old", "--json"))] == [
        "Fuyu-8B"
    ]


def test_old_names(at, server):
    """--old lists the names of v1, what replaces them, when they were retired, and what is near; nobody is asked."""
    found = {row["name"]: row for row in rows(at(server.url, "--old", "--json"))}

    assert server.requests == []
    assert found["ERNIE-Bot-4"] == {
        "name": "ERNIE-Bot-4",
        "kind": "chat",
        "endpoint": "completions_pro",
        "v2": "ernie-4.0-8k",
        "retired": None,
        "near": [],
    }
    assert (found["ERNIE-3.5-8K-1222"]["v2"], found["ERNIE-3.5-8K-1222"]["retired"]) == (None, "2024-05-30")
    assert "ernie-3.5-8k" in found["ERNIE-3.5-8K-1222"]["near"]
    assert found["SQLCoder-7B"]["kind"] == "completion"


def test_old_names_in_words():
    """A name that v2 has not says so, with the names that are near."""
    done = run("models", "--old")

    assert re.search(r"^ERNIE-Bot-4 +对话 +ernie-4\.0-8k$", done.stdout, re.MULTILINE)
    assert re.search(
        r"^ERNIE-3\.5-8K-1222 .*无（2024-05-30 停用）；相近的有 ernie-3", done.stdout, re.MULTILINE
    )
    assert re.search(r"^ChatLaw +对话 +无$", done.stdout, re.MULTILINE)


# What goes wrong


def test_a_key_that_is_refused(at, platform):
    """A refused key ends with exit code 1 and the platform's words; what is known without it is listed."""
    done = at(platform.url)

    assert done.returncode == 1
    assert "invalid_iam_token" in done.stderr
    assert "ernie-4.0-8k" in done.stdout
    assert "5ecret" not in done.stdout + done.stderr


def test_a_service_that_is_not_there(at):
    """A service that refuses connections ends with exit code 1 and its address; the JSON is whole."""
    url = f"http://127.0.0.1:{closed_port()}"
    done = at(url, "--json")

    assert done.returncode == 1
    assert url in done.stderr
    assert {row["service"] for row in json.loads(done.stdout)} == {None}


def test_a_misplaced_key():
    """A key of another kind is told, and not shown."""
    done = run("models", QIANFAN_API_KEY="ALTAK5ecret5ecret")

    assert done.returncode == 0
    assert "api_key= holds an IAM Access Key" in done.stderr
    assert "qianfan doctor" in done.stderr
    assert "5ecret" not in done.stderr


@pytest.mark.parametrize(
    "reply",
    [whole({"status": "ok"}), whole({"data": 5}), whole({"data": {"id": "x"}}), page(200)],
    ids=["another object", "a number", "no array", "a page"],
)
def test_what_is_no_list(at, server, reply):
    """What answers with anything but a list of models is told, without a traceback."""
    server.always(reply)
    done = at(server.url)

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "base_url" in done.stderr


def test_entries_that_are_no_models(at, server):
    """Entries of the list that are no models are passed over."""
    server.always(whole({"data": [None, 3, "x", {}, {"id": None}, {"id": "ernie-9"}]}))

    assert [row["id"] for row in rows(at(server.url, "--json")) if row["service"]] == ["ernie-9"]


@unary
def test_a_client_tells_what_is_no_list(world, server, make):
    """`client.models.list()` raises `RequestError` where no list came."""
    server.always(whole({"status": "ok"}))
    client = make(server, api_key=KEY, ak="", sk="")
    with pytest.raises(RequestError, match="no list of models"):
        world.call(client.models, "list")


# How it looks


@posix
def test_at_a_terminal():
    """At a terminal a table is shown, whose names are whole however narrow it is."""
    terminal = Terminal("models", "--offline")
    code = terminal.end()

    assert code == 0
    assert "deepseek-r1-distill-qianfan-llama-70b" in terminal.screen
    assert re.search(r"│|─", terminal.screen)
    terminal.close()


def test_a_pipe_that_ends_early():
    """A reader that has enough, such as `head`, ends the command quietly."""
    reading = subprocess.Popen(
        [*COMMAND, "models", "--old"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    reading.stdout.close()
    with reading:
        said = reading.stderr.read().decode()

    assert (reading.returncode, said) == (0, "")


def test_output_that_lacks_chinese():
    """Where the output has no Chinese characters, the names are readable and the JSON is JSON."""
    text = run("models", "--offline", PYTHONIOENCODING="ascii")
    written = run("models", "--old", "--json", PYTHONIOENCODING="ascii")

    assert (text.returncode, written.returncode) == (0, 0)
    assert "ernie-4.0-8k" in text.stdout
    assert json.loads(written.stdout)


# Completion


def completed(*words):
    """Return what bash is told to complete the last word with."""
    env = {"COMP_WORDS": " ".join(("qianfan", *words)), "COMP_CWORD": str(len(words))}
    done = run(
        command=[
            sys.executable,
            "-c",
            "from qianfan.cli import main; import sys; sys.argv = ['qianfan']; main()",
        ],
        _QIANFAN_COMPLETE="complete_bash",
        **env,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize("words", [("chat", "--model"), ("chat", "你好", "-m"), ("doctor", "--model")])
def test_names_are_completed(words):
    """--model is completed with the names of v2 and the old ones."""
    assert "ernie-4.5-turbo-128k" in completed(*words, "ernie-4")
    assert "ERNIE-Bot-4" in completed(*words, "ERNIE-B")
    assert "deepseek-r1" in completed(*words, "d")


def test_small_letters_complete_old_names_too():
    """A name that is begun in small letters goes on in small letters: names are the same in any case."""
    assert set(completed("chat", "--model", "ernie-bot-")) >= {"ernie-bot-4", "ernie-bot-turbo"}


def test_completed_names_are_words_and_stand_once():
    """No name is offered twice, and none that the shell would take for two words."""
    for begun in ("ernie", "ERNIE", ""):
        names = completed("chat", "--model", begun)

        assert len(names) == len(set(names)) > 10
        assert "Speed" not in names  # of `ERNIE Speed`


def test_nothing_begins_so():
    """Where no name begins so, nothing is offered."""
    assert completed("chat", "--model", "nonesuch") == []


def test_kinds_are_completed():
    """--kind is completed with the kinds there are."""
    assert completed("models", "--kind", "te") == ["text2image"]
