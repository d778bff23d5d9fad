"""The command `qianfan`, in processes of its own: pipes, signals, a terminal, exit codes."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3
from support.commands import COMMAND, Terminal, environment, one_line, posix, run, started
from support.processes import PATIENCE
from support.server import closed_port

import qianfan


@pytest.fixture
def ask(platform):
    """Run `qianfan chat` against the platform, with its keys in the environment."""
    return lambda *arguments, **options: run("chat", *arguments, **{**platform.environment, **options})


def body(platform):
    """Return the body of the platform's last chat call."""
    return platform.calls("chat").last.body


# chat: one question


def test_chat_local_needs_nothing():
    """--local answers without a key, for any service, in plain text that ends with one newline."""
    done = run("chat", "你好", "--local", "--endpoint", "my_service")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("【本地平台】")
    assert done.stdout.count("\n") == 1


def test_chat_streams_from_the_platform_of_the_environment(ask, platform):
    """Without --local the environment says where and with which keys; the answer is streamed."""
    done = ask("你好")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("【本地平台】")
    assert body(platform) == {"messages": [{"role": "user", "content": "你好"}], "stream": True}


@posix
def test_chat_writes_as_the_answer_comes(start):
    """The first words are there long before the last."""
    platform = start(chunk_delay=PATIENCE)
    with started("chat", "你好", **platform.environment) as process:
        first = os.read(process.stdout.fileno(), 100).decode()

    assert first.startswith("【本地")
    assert len(platform.calls("chat").last.reply) == 1


def test_chat_reads_standard_input(ask, platform):
    """Without a prompt, what is piped in is the question, several lines and all."""
    done = ask(typed="第一行\n第二行\n".encode())

    assert (done.returncode, done.stderr) == (0, "")
    assert body(platform)["messages"][0]["content"] == "第一行\n第二行"


def test_a_prompt_goes_before_standard_input(ask, platform):
    """With a prompt, standard input is left alone."""
    assert ask("你好", typed=b"not this").returncode == 0
    assert body(platform)["messages"][0]["content"] == "你好"


@pytest.mark.parametrize("given", [{"typed": b" \n\n"}, {"prompt": ""}])
def test_an_empty_prompt(given):
    """An empty question is refused in one line, with exit code 2."""
    arguments = [given["prompt"]] if "prompt" in given else []
    line = one_line(run("chat", *arguments, "--local", typed=given.get("typed")), 2)

    assert "问题是空的" in line


def test_chat_takes_a_model_or_an_endpoint(ask, platform):
    """--model names the model in any case, --endpoint a service of one's own."""
    platform.add_endpoint("my_service")
    codes = [
        ask("你好", *options).returncode for options in (["-m", "ernie-bot-4"], ["--endpoint", "my_service"])
    ]

    assert codes == [0, 0]
    assert [call.endpoint for call in platform.calls("chat")] == ["completions_pro", "my_service"]


def test_chat_takes_parameters(ask, platform):
    """Parameters have options of their own, or go by --param as JSON or as text."""
    done = ask(
        *("你好", "--system", "你是诗人", "--temperature", "0.3", "--top-p", "0.5"),
        *("--penalty-score", "1.2", "--max-output-tokens", "200", "--model", "ERNIE-Bot"),
        *("--param", "disable_search=true", "-p", 'stop=["。"]', "-p", "user_id=u=1", "-p", "top_k=3"),
    )

    assert done.returncode == 0
    assert "你是诗人" in done.stdout
    sent = {name: value for name, value in body(platform).items() if name not in {"messages", "stream"}}
    assert sent == {
        "system": "你是诗人",
        "temperature": 0.3,
        "top_p": 0.5,
        "penalty_score": 1.2,
        "max_output_tokens": 200,
        "disable_search": True,
        "stop": ["。"],
        "user_id": "u=1",
        "top_k": 3,
    }


@pytest.mark.parametrize("param", ["novalue", "=3"])
def test_a_bad_param(param):
    """A --param that is no NAME=JSON is refused in one line that shows an example."""
    line = one_line(run("chat", "你好", "--local", "--param", param), 2)

    assert "NAME=JSON" in line
    assert "--param disable_search=true" in line


@pytest.mark.parametrize("param", ["messages=[]", "stream=false", "model=3", "headers=3"])
def test_a_param_that_is_an_argument(ask, param):
    """A --param with the name of an argument of the call ends well or in one line, never in a traceback."""
    done = ask("你好", "--param", param)

    assert done.returncode in {0, 1, 2}
    assert done.returncode == 0 or len(done.stderr.splitlines()) == 1


def test_an_answer_that_is_cut_says_so(ask):
    """A truncated answer is on stdout, the remark about it on stderr."""
    done = ask("请介绍一下杭州", "--max-output-tokens", "10", "--model", "ERNIE-Bot")

    assert done.returncode == 0
    assert done.stderr == "（回答因长度被截断）\n"
    assert "截断" not in done.stdout


def test_a_function_call_is_shown(ask):
    """A function call in place of an answer is printed with its arguments."""
    function = {
        "name": "get_weather",
        "description": "查询天气",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    done = ask("北京天气", "--model", "ERNIE-Bot", "--param", f"functions={json.dumps([function])}")

    assert 'get_weather({"city":"北京"})' in done.stdout


# chat: what goes wrong


def test_no_credentials():
    """Without keys the command ends with exit code 2 and one line that says what to set."""
    line = one_line(run("chat", "你好"), 2)

    assert line.startswith("qianfan: ")
    assert "QIANFAN_AK" in line
    assert "QIANFAN_LOCAL" in line


def test_wrong_keys(ask):
    """Wrong keys end the command with exit code 1 and the platform's words, without the key."""
    line = one_line(ask("你好", QIANFAN_SK="wrong-5ecret"), 1)

    assert "Client authentication failed" in line
    assert "5ecret" not in line


def test_an_unknown_model(ask):
    """An unknown model ends the command with exit code 1 and the names that are near."""
    line = one_line(ask("你好", "--model", "ERNIE-Bott"), 1)

    assert "[3]" in line
    assert "ERNIE-Bot" in line


def test_a_value_out_of_range(ask):
    """A value the platform refuses ends the command with exit code 1 and the platform's words."""
    assert "336003" in one_line(ask("你好", "--temperature", "2"), 1)


def test_a_refused_connection():
    """A platform that is not there ends the command with exit code 1 and its address."""
    url = f"http://127.0.0.1:{closed_port()}"
    env = {"QIANFAN_BASE_URL": url, "QIANFAN_AK": "a", "QIANFAN_SK": "s", "QIANFAN_LLM_API_RETRY_COUNT": "1"}
    line = one_line(run("chat", "你好", **env), 1)

    assert url in line
    assert "refused" in line


def test_an_address_that_is_none():
    """An address that is no URL ends the command with exit code 2 and the setting's name."""
    line = one_line(run("chat", "你好", QIANFAN_BASE_URL="nowhere", QIANFAN_AK="a", QIANFAN_SK="s"), 2)

    assert "base_url" in line


@posix
def test_an_answer_that_does_not_go_on(start):
    """--timeout bounds the wait for the next words; the ones that came are printed."""
    platform = start(chunk_delay=PATIENCE)
    done = run("chat", "你好", "--timeout", "0.3", **platform.environment)

    assert done.returncode == 1
    assert done.stdout.startswith("【本地")
    assert len(done.stderr.splitlines()) == 1


@posix
def test_a_platform_that_stops_in_mid_answer(start):
    """A stream that is cut ends the command with exit code 1, after the words that came."""
    platform = start(chunk_delay=PATIENCE)
    with started("chat", "你好", **platform.environment) as process:
        first = os.read(process.stdout.fileno(), 100)
        platform.stop()
        out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert (first + out).decode().startswith("【本地")
    assert len(err.decode().splitlines()) == 1
    assert "Traceback" not in err.decode()


def test_input_that_is_no_text(ask):
    """Bytes that are no UTF-8 are refused in one line."""
    one_line(ask(typed=b"\xff\xfe\xfa"), 2)


@posix
def test_an_input_that_is_closed():
    """Without a prompt and with standard input closed, the command ends in one line."""
    line = f"exec {shlex.join([*COMMAND, 'chat', '--local'])} <&-"

    one_line(run(command=["sh", "-c", line]), 2)


def test_an_output_that_cannot_show_chinese(ask):
    """Where the output's encoding lacks the characters, the command ends without a traceback."""
    assert ask("你好", PYTHONIOENCODING="ascii").returncode in {0, 1}


@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_an_output_that_is_full():
    """A disk that is full ends the command with exit code 1 and one line."""
    line = f"exec {shlex.join([*COMMAND, 'chat', '你好'])} >/dev/full"
    done = subprocess.run(
        ["sh", "-c", line],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(QIANFAN_LOCAL="1"),
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 1
    assert len(done.stderr.decode().splitlines()) == 1


@posix
def test_a_reader_that_has_enough(start):
    """A pipe into `head` ends without a traceback, and head has its bytes."""
    platform = start(chunk_delay=0.01)
    line = f"{shlex.join([*COMMAND, 'chat', '你好'])} | head -c 5"
    done = subprocess.run(
        ["sh", "-c", line],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment(**platform.environment),
        timeout=PATIENCE,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == "【本地".encode()[:5]


# Signals


@posix
def test_ctrl_c_in_mid_answer(start):
    """Ctrl-C in mid-answer ends the command with exit code 130, without a traceback."""
    platform = start(chunk_delay=PATIENCE)
    with started("chat", "你好", **platform.environment) as process:
        assert os.read(process.stdout.fileno(), 100)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    assert err.decode().strip() == ""


@posix
def test_ctrl_c_before_the_answer():
    """Ctrl-C while the platform has not answered yet ends the command with exit code 130."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        keys = {"QIANFAN_AK": "a", "QIANFAN_SK": "s"}
        with started("chat", "你好", QIANFAN_BASE_URL=url, **keys) as process:
            connection, _ = silent.accept()
            with connection:
                connection.recv(1)
                process.send_signal(signal.SIGINT)
                _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    assert err.decode().strip() == ""


# A session at a terminal


@pytest.fixture
def sit(platform):
    """Sit down at a terminal with `qianfan chat` against the platform, or another one."""
    terminals = []

    def sit(*arguments, at=platform, **env):
        terminals.append(Terminal("chat", *arguments, **{**at.environment, **env}))
        return terminals[-1]

    yield sit
    for terminal in terminals:
        terminal.close()


@posix
def test_a_session_of_three_turns(sit, platform):
    """A session remembers the turns until /clear; an empty line asks nothing; Ctrl-D ends it well."""
    terminal = sit()
    terminal.see("/exit")
    terminal.see("> ")
    terminal.type("我叫小明\n")
    terminal.see("【本地平台】")
    terminal.see("> ")
    terminal.type("我叫什么名字？\n")
    terminal.see("您叫小明")
    terminal.see("> ")
    terminal.type("/clear\n")
    terminal.see("> ")
    terminal.type("\n")
    terminal.see("> ")
    terminal.type("我叫什么名字？\n")
    terminal.see("还没有告诉过我")
    terminal.see("> ")
    terminal.type("\x04")

    assert terminal.end() == 0
    assert "Traceback" not in terminal.screen
    assert [len(call.messages) for call in platform.calls("chat")] == [1, 3, 1]


@posix
def test_ctrl_c_at_the_prompt(sit, platform):
    """Ctrl-C at the prompt leaves the session without a traceback."""
    terminal = sit()
    terminal.see("> ")
    terminal.press_until("\x03", "\n")

    assert terminal.end() in {0, 130}
    assert "Traceback" not in terminal.screen
    assert platform.calls() == []


@posix
def test_ctrl_c_in_an_answer_keeps_the_session(sit, start):
    """Ctrl-C in mid-answer stops the answer; the session goes on as if that turn had not been."""
    platform = start(chunk_delay=PATIENCE)
    terminal = sit(at=platform)
    for _ in range(2):
        terminal.see("> ")
        terminal.type("你好\n")
        terminal.see("【本地")
        terminal.type("\x03")
    terminal.see("> ")
    terminal.type("/exit\n")

    assert terminal.end() == 0
    assert "Traceback" not in terminal.screen
    assert [len(call.messages) for call in platform.calls("chat")] == [1, 1]


@posix
def test_a_turn_that_fails_keeps_the_session(sit, platform):
    """A refused turn shows one line; the session goes on without it."""
    terminal = sit("--param", "stop=[1]")
    terminal.see("> ")
    terminal.type("你好\n")
    terminal.see("336003")
    terminal.see("> ")
    terminal.type("您好\n")
    terminal.see("336003")
    terminal.see("> ")
    terminal.type("/exit\n")

    assert terminal.end() == 0
    assert "Traceback" not in terminal.screen
    assert [len(call.messages) for call in platform.calls("chat")] == [1, 1]


@posix
def test_history_is_at_the_arrow_key(sit, platform):
    """The arrow key brings back what was typed before, in a terminal that has such a key."""
    terminal = sit(TERM="xterm")
    terminal.see("> ")
    terminal.type("我叫小明\n")
    terminal.see("【本地平台】")
    terminal.see("> ")
    terminal.type("\x1b[A\n")
    terminal.see("【本地平台】")
    terminal.see("> ")
    terminal.type("/exit\n")

    assert terminal.end() == 0
    assert [call.messages[-1]["content"] for call in platform.calls("chat")] == ["我叫小明"] * 2


@posix
def test_a_session_on_the_embedded_platform(sit):
    """A session needs no keys with --local."""
    terminal = sit("--local", QIANFAN_AK="", QIANFAN_SK="")
    terminal.see("> ")
    terminal.type("1 + 2 等于几\n")
    terminal.see("1 + 2 = 3")
    terminal.see("> ")
    terminal.type("/exit\n")

    assert terminal.end() == 0


# serve


class Serving:
    """`qianfan serve` in a process of its own, and what it printed."""

    def __init__(self, *options, port="0"):
        self.port = port
        self.process = started("serve", "--port", port, *options)
        self.greeting = ""
        for line in iter(self.process.stdout.readline, b""):
            self.greeting += line.decode()
            if "Ctrl-C" in self.greeting:
                break
        self.environment = dict(re.findall(r"export (QIANFAN_\w+)=(\S+)", self.greeting))
        self.url = self.environment.get("QIANFAN_BASE_URL", "")

    def stop(self, number=signal.SIGINT):
        """Signal it, and return the exit code and what it wrote on stderr."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, err.decode()


@pytest.fixture
def serving():
    """Start `qianfan serve`; it is ended at the end."""
    running = []

    def serving(*options, **named):
        running.append(Serving(*options, **named))
        return running[-1]

    yield serving
    for server in running:
        with server.process:
            pass


@pytest.fixture(scope="module")
def server():
    """One `qianfan serve` for the tests that only look at it."""
    running = Serving(port=str(closed_port()))
    yield running
    with running.process:
        pass


@posix
def test_serve_prints_what_to_set_and_paste(server):
    """The address is printed, the variables to set, and an example that works as it is printed."""
    token_url = re.search(r"'(http\S+/oauth/\S+)'", server.greeting)[1]
    chat_url = re.search(r"'(http\S+access_token=)'", server.greeting)[1]
    question = re.search(r"-d '(.+)'", server.greeting)[1]
    with urllib3.PoolManager(retries=False, timeout=PATIENCE) as http:
        token = http.request("POST", token_url).json()["access_token"]
        answer = http.request(
            "POST",
            chat_url + token,
            body=question.encode(),
            headers={"Content-Type": "application/json"},
        ).json()

    assert server.url in server.greeting.splitlines()[0]
    assert set(server.environment) == {
        *("QIANFAN_BASE_URL", "QIANFAN_AK", "QIANFAN_SK"),
        *("QIANFAN_CONSOLE_API_BASE_URL", "QIANFAN_ACCESS_KEY", "QIANFAN_SECRET_KEY"),
        *("QIANFAN_IAM_BASE_URL", "QIANFAN_API_VERSION"),
    }
    assert answer["result"].startswith("【本地平台】")


@posix
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_serve_prints_commands_that_a_shell_runs(server):
    """The printed commands of v1 and of v2, pasted into a shell, print an answer each."""
    token, on_v1, on_v2 = (line for line in server.greeting.splitlines() if "curl" in line)
    asked = f"{token}\n{on_v1}\necho\n{on_v2}".replace("python3", sys.executable)
    done = run(command=["sh", "-c", asked])

    assert (done.returncode, done.stderr) == (0, "")
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["result"].startswith("【本地平台】")
    assert second["choices"][0]["message"]["content"] == first["result"]


@posix
def test_serve_prints_what_clients_of_openai_need(server):
    """The variables of OpenAI's clients lead to v2, with a key that it takes."""
    variables = dict(re.findall(r"export (OPENAI_\w+)=(\S+)", server.greeting))
    with urllib3.PoolManager(retries=False, timeout=PATIENCE) as http:
        listed = http.request(
            "GET",
            f"{variables['OPENAI_BASE_URL']}/models",
            headers={"Authorization": f"Bearer {variables['OPENAI_API_KEY']}"},
        )

    assert variables["OPENAI_BASE_URL"] == f"{server.url}/v2"
    assert listed.status == 200


@posix
def test_serve_answers_the_sdk_and_the_command(server, monkeypatch):
    """With the printed variables set, a program and `qianfan chat` are answered."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    answer = qianfan.ChatCompletion().do([{"role": "user", "content": "你好"}])["result"]
    done = run("chat", "你好", **server.environment)

    assert done.stdout == answer + "\n"


@posix
def test_serve_ends_when_it_is_told(serving):
    """SIGTERM ends serve with exit code 0, in good order; the port is free again."""
    server = serving()
    code, err = server.stop(signal.SIGTERM)

    assert code == 0
    assert err == "已停止。\n"
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(server.url.rpartition(":")[2]))) != 0


@posix
def test_serve_ends_in_mid_stream(serving):
    """Ctrl-C ends serve at once, although a client is in mid-stream; the client is told."""
    server = serving("--chunk-delay", str(PATIENCE))
    keys = {"ak": server.environment["QIANFAN_AK"], "sk": server.environment["QIANFAN_SK"]}
    with qianfan.Qianfan(base_url=server.url, **keys) as client:
        stream = client.chat.do([{"role": "user", "content": "你好"}], stream=True)
        code, err = server.stop()
        with pytest.raises(qianfan.errors.StreamIncompleteError):
            stream.collect()

    assert (code, err) == (0, "已停止。\n")


def test_serve_on_a_taken_port():
    """A port that is taken ends serve with exit code 1 and one line that names it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = one_line(run("serve", "--port", str(port)), 1)

    assert str(port) in line
    assert "in use" in line or "占用" in line


def test_serve_on_a_host_that_is_none():
    """A host that cannot be listened on ends serve with exit code 1 and one line."""
    one_line(run("serve", "--port", "0", "--host", "no.such.host.invalid", "--allow-remote"), 1)


@posix
def test_serve_on_the_port_it_is_given(server):
    """--port names the port."""
    assert server.url == f"http://127.0.0.1:{server.port}"


@posix
def test_serve_passes_quotas_on(serving):
    """Quotas reach the platform: headers show those of a minute, the second call in a second is refused."""
    server = serving("--qps", "0.01", "--rpm", "7", "--tpm", "7000")
    keys = {"ak": server.environment["QIANFAN_AK"], "sk": server.environment["QIANFAN_SK"]}
    question = [{"role": "user", "content": "你好"}]
    with qianfan.Qianfan(base_url=server.url, retry_count=1, **keys) as client:
        headers = client.chat.do(question).headers
        with pytest.raises(qianfan.errors.RateLimitError) as caught:
            client.chat.do(question)

    assert headers["X-Ratelimit-Limit-Requests"] == "7"
    assert headers["X-Ratelimit-Limit-Tokens"] == "7000"
    assert caught.value.error_code == 18


@posix
def test_serve_passes_the_other_options_on(serving):
    """Token lifetime, any key and any endpoint reach the platform."""
    server = serving("--token-lifetime", "77", "--any-key", "--any-endpoint")
    with urllib3.PoolManager(retries=False, timeout=PATIENCE) as http:
        query = "grant_type=client_credentials&client_id=any&client_secret=thing"
        issued = http.request("POST", f"{server.url}/oauth/2.0/token?{query}").json()
    with qianfan.Qianfan(base_url=server.url, ak="other", sk="thing") as client:
        answer = client.chat.do([{"role": "user", "content": "你好"}], endpoint="my_service")

    assert issued["expires_in"] == 77
    assert answer["result"]


@posix
def test_serve_with_faults(serving, tmp_path):
    """The faults and the seed of a file are there from the start, are told of, and come back with a reset."""
    file = tmp_path / "faults.json"
    qianfan.local.platform(faults=[qianfan.local.on("chat", nth=1).code(336100)], seed=7).faults.save(file)
    server = serving("--faults", str(file))
    keys = {"ak": server.environment["QIANFAN_AK"], "sk": server.environment["QIANFAN_SK"]}

    with qianfan.Qianfan(base_url=server.url, retry_count=1, **keys) as client:
        for _ in range(2):
            with pytest.raises(qianfan.errors.APIError) as caught:
                client.chat.do([{"role": "user", "content": "你好"}])
            assert caught.value.error_code == 336100
            assert client.chat.do([{"role": "user", "content": "你好"}])["result"]
            assert run("platform", "reset", "--url", server.url).returncode == 0

    assert "(faults): 1 个，随机种子 7" in server.greeting


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON: unexpected end of data: line 1 column 2"),
        ("{}", "holds no faults"),
        (
            (
                '{"format": 1, "seed": 1, "faults": [{"on": {"route": "chat"}, "do": [{"kind": "reset"}]}, '
                '{"on": {"route": "chat"}, "do": [{"kind": "delay", "seconds": -1}]}]}'
            ),
            "fault 2: the seconds of a delay",
        ),
    ],
)
def test_serve_with_a_bad_file_of_faults(tmp_path, content, words):
    """What is no file of faults ends serve with exit code 2, and the place where it is none."""
    file = tmp_path / "faults.json"
    file.write_text(content)
    done = run("serve", "--port", "0", "--faults", str(file), COLUMNS="1000")

    assert (done.returncode, done.stdout) == (2, "")
    assert "faults.json" in done.stderr
    assert words in done.stderr


@posix
def test_serve_warns_of_other_machines(serving):
    """Listening beyond loopback is said on stderr; Ctrl-C ends serve with exit code 0."""
    code, err = serving("--host", "0.0.0.0", "--allow-remote").stop()

    assert code == 0
    assert "其他机器" in err
    assert err.endswith("已停止。\n")


@posix
@pytest.mark.parametrize("given", [None, "a-token-of-my-own-choice"])
def test_serve_for_other_machines(serving, server, given):
    """The keys are made from an admin token, which is printed where it was made up; a name can be allowed."""
    token = ["--admin-token", given] if given else []
    open_to_others = serving("--host", "0.0.0.0", "--allow-remote", "--allow-host", "box.example", *token)
    printed = re.search(r"\(admin token\): (\S+)", open_to_others.greeting)
    keys = {"ak": open_to_others.environment["QIANFAN_AK"], "sk": open_to_others.environment["QIANFAN_SK"]}
    with qianfan.Qianfan(base_url=open_to_others.url, **keys) as client:
        assert client.chat.do([{"role": "user", "content": "你好"}])["result"]
    with urllib3.PoolManager(retries=False, timeout=PATIENCE) as http:
        named = http.request("GET", f"{open_to_others.url}/v2/models", headers={"Host": "box.example"})
    assert named.status == 401

    assert open_to_others.environment["QIANFAN_SK"] != server.environment["QIANFAN_SK"]
    assert (printed is None) is (given is not None)


@pytest.mark.parametrize("options", [["--qps", "0"], ["--port", "70000"], ["--host", "0.0.0.0"]])
def test_serve_with_a_value_that_does_not_fit(options):
    """A value that could not work ends serve with exit code 2 and a message about it."""
    done = run("serve", "--port", "0", *options)

    assert done.returncode == 2
    assert options[0].strip("-").replace("-", "_") in done.stderr.replace("-", "_")


# The command itself


def test_version():
    """--version prints the version and nothing else."""
    done = run("--version")

    assert (done.returncode, done.stdout, done.stderr) == (0, f"{qianfan.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["chat", "serve", "--version"]),
        (["chat", "--help"], ["--model", "--endpoint", "--system", "--temperature", "--param", "--local"]),
        (["serve", "--help"], ["--port", "--host", "--qps", "--rpm", "--tpm", "--token-lifetime"]),
    ],
)
def test_help(arguments, words):
    """--help names the commands and their options."""
    done = run(*arguments)

    assert (done.returncode, done.stderr) == (0, "")
    assert [word for word in words if word not in done.stdout] == []


def test_the_installed_command():
    """The command is installed beside Python under its own name."""
    script = shutil.which("qianfan", path=str(Path(sys.executable).parent))
    if script is None:
        pytest.skip("the package is not installed here")

    assert run("--version", command=[script]).stdout == f"{qianfan.__version__}\n"


def without(*modules):
    """Return a command line of Python in which modules are not installed."""
    program = f"""
import runpy, sys
for name in {modules!r}:
    sys.modules[name] = None
sys.argv[0] = "qianfan"
runpy.run_module("qianfan", run_name="__main__")
"""
    return [sys.executable, "-c", program]


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_its_extra_it_says_what_to_install(missing):
    """Without the packages of the command line, one line says which extra to install."""
    line = one_line(run("chat", "你好", command=without(missing)), 1)

    assert "pip install 'qianfan[cli,local]'" in line


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [(["chat", "你好", "--local"], "starlette"), (["serve", "--port", "0"], "uvicorn")],
)
def test_without_the_platforms_extra_it_says_what_to_install(arguments, missing):
    """Without the packages of the local platform, one line says which extra to install."""
    line = one_line(run(*arguments, command=without(missing)), 1)

    assert "pip install 'qianfan[local]'" in line
