"""The README of 2023, as code: programs of that time run unchanged."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from applications import register
from support.processes import PATIENCE, _bare_environment
from support.readme_2023 import (
    ASYNC,
    BY_CONSTRUCTOR,
    BY_ENVIRONMENT,
    BY_FUNCTION,
    CALL,
    CALLS,
    COMPLETION,
    CONSOLE,
    CREATE_SERVICE,
    DETAIL,
    EMBEDDING,
    GET_SERVICE,
    JOB_ID,
    KEYS_BY_CALL,
    KEYS_BY_ENVIRONMENT,
    KEYS_BY_FUNCTION,
    LIST,
    LOOP,
    MODELS,
    PASS_TIME,
    PLUGIN,
    PUBLISH,
    RATE,
    RUNNER,
    STOP,
    TUNE,
    VECTOR_MODELS,
)

import qianfan


def run(program, typed="", **env):
    """Run a program in a process of its own, where warnings are errors, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", RUNNER, program],
        input=typed,
        capture_output=True,
        encoding="utf-8",
        env={**_bare_environment(), "PYTHONIOENCODING": "utf-8", **env},
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(params=["environment variable", "platform"])
def execute(request, platform):
    """Run a program without any key, where QIANFAN_LOCAL says so; or with real keys, on a platform."""
    if request.param == "environment variable":
        return lambda program, typed="": run(program, typed, QIANFAN_LOCAL="1")
    application = register(platform)
    for kind in ("chat", "completion", "embedding", "plugin"):
        platform.add_endpoint("your_custom_endpoint", kind)

    def with_keys(program, typed=""):
        keys = {"QIANFAN_AK": application.ak, "QIANFAN_SK": application.sk}
        program = program.replace('ak="..."', f'ak="{application.ak}"').replace(
            'sk="..."', f'sk="{application.sk}"'
        )
        return run(program, typed, QIANFAN_BASE_URL=platform.url, **keys)

    return with_keys


def test_the_calls_run_as_written(execute):
    """The default model, a named model and an endpoint of one's own answer; the body has the result."""
    printed = execute(CALLS)

    assert "您好！有什么我可以帮助您的吗？" in printed


def test_the_loop_runs_as_written(execute):
    """The endless loop over input() holds a conversation, and prints replies as QfResponse."""
    printed = execute(LOOP, "我叫小明\n今天过得很开心\n我叫什么名字？\n").splitlines()

    assert len(printed) == 3
    assert all(line.startswith("QfResponse(code=200") for line in printed)
    assert "小明" in printed[2]


def test_async_runs_as_written(execute):
    """An awaited reply and an awaited stream give the same words."""
    whole, *events = execute(ASYNC).splitlines()

    assert len(events) > 10
    assert "".join(events) == whole


def test_completion_runs_as_written(execute):
    """A stream, an awaited reply and an awaited stream of a completion give the same words."""
    printed = execute(COMPLETION).splitlines()
    whole = max(printed, key=len)
    place = printed.index(whole)

    assert min(place, len(printed) - place - 1) > 10
    assert "".join(printed[:place]) == whole == "".join(printed[place + 1 :])


def test_embedding_runs_as_written(execute):
    """The default model is Embedding-V1: both ways print the same vector, of plain floats in a list."""
    first, second = (ast.literal_eval(line) for line in execute(EMBEDDING).splitlines())

    assert first == second
    assert (len(first), {type(number) for number in first}) == (384, {float})


def test_plugin_runs_as_written(execute):
    """Sync and async give the same words, and the events are printed as replies that add up to them."""
    whole, same, *events = execute(PLUGIN).splitlines()

    assert whole == same
    assert len(events) > 10
    assert all(line.startswith("QfResponse(code=200, headers={") for line in events)
    bodies = [ast.literal_eval(line.partition("body=")[2].removesuffix(")")) for line in events]
    assert "".join(body["result"] for body in bodies) == whole


def test_the_rate_limit_runs_as_written(execute):
    """An object with query_per_second answers."""
    assert "您好" in execute(RATE)


def test_the_ways_to_give_credentials_run_as_written():
    """The three ways run one after another, on the local platform, with the README's own dots for keys."""
    printed = run(BY_ENVIRONMENT + CALL + BY_FUNCTION + CALL + BY_CONSTRUCTOR + CALL, QIANFAN_LOCAL="1")

    assert printed.count("您好！") == 3


def test_the_loop_over_input_reaches_the_platform(platform, make, monkeypatch):
    """Each turn of the loop carries the conversation so far."""
    typed = iter(["我叫小明", "我叫什么名字？"])
    monkeypatch.setattr("builtins.input", lambda: next(typed))
    chat_comp = make(platform).chat
    msgs = qianfan.Messages()
    while True:
        try:
            msgs.append(input())
        except StopIteration:
            break
        resp = chat_comp.do(messages=msgs)
        msgs.append(resp)

    assert [len(call.messages) for call in platform.calls("chat")] == [1, 3]
    assert "小明" in resp["body"]["result"]


@pytest.fixture
def applications(platform, monkeypatch):
    """Three applications of one platform, whose address the environment gives."""
    monkeypatch.setenv("QIANFAN_BASE_URL", platform.url)
    return [register(platform) for _ in range(3)]


def caller(platform, world, **arguments):
    """Make an object and a call, and return the API Key that the platform was asked a token with."""
    world.ask(qianfan.ChatCompletion(**arguments)).text  # noqa: B018  # raises where it failed
    return platform.calls("token").last.query["client_id"]


def test_the_priority_of_credentials(world, platform, applications, monkeypatch):
    """From low to high: the environment, qianfan.AK() and SK(), the constructor; each can be taken back."""
    low, middle, high = applications
    monkeypatch.setenv("QIANFAN_AK", low.ak)
    monkeypatch.setenv("QIANFAN_SK", low.sk)

    assert caller(platform, world) == low.ak
    qianfan.AK(middle.ak)
    qianfan.SK(middle.sk)
    assert caller(platform, world) == middle.ak
    assert caller(platform, world, ak=high.ak, sk=high.sk) == high.ak
    qianfan.AK(None)
    qianfan.SK(None)
    platform.revoke_tokens()
    assert caller(platform, world) == low.ak


def test_credentials_are_read_when_the_object_is_made(world, platform, applications):
    """An object keeps the credentials it was made with, whatever the setters say later."""
    first, second, _ = applications
    qianfan.AK(first.ak)
    qianfan.SK(first.sk)
    chat_comp = qianfan.ChatCompletion()
    qianfan.AK(second.ak)
    qianfan.SK(second.sk)
    world.ask(chat_comp).text  # noqa: B018  # raises where it failed

    assert platform.calls("token").last.query["client_id"] == first.ak


@pytest.mark.parametrize("model", MODELS)
def test_every_model_of_the_readme_answers(platform, chat, model):
    """Each of the eleven models answers at an endpoint of its own, whole and in events."""
    resp = chat.do(model=model, messages=[{"role": "user", "content": "你好"}])
    streamed = chat.do(model=model, messages=[{"role": "user", "content": "你好"}], stream=True)

    assert resp["result"] == "".join(r["result"] for r in streamed)
    assert {call.model for call in platform.calls("chat")} == {model}


@pytest.mark.parametrize("model", MODELS)
def test_every_model_of_the_readme_completes(platform, make, model):
    """Each of the eleven models serves a completion as well, at its chat endpoint."""
    comp = make(platform).completions
    resp = comp.do(model=model, prompt="你好")

    assert resp["result"] == "".join(r["result"] for r in comp.do(model=model, prompt="你好", stream=True))
    assert {call.model for call in platform.calls("chat")} == {model}


@pytest.mark.parametrize("model", VECTOR_MODELS)
def test_every_embedding_model_of_the_readme_answers(platform, make, model):
    """Each of the three models gives vectors at an endpoint of its own, and models() names it."""
    resp = make(platform).embeddings.do(model=model, texts=["世界上最高的山"])

    assert len(resp["data"]) == 1
    assert platform.calls("embedding").last.model == model
    assert model in qianfan.Embedding.models()


def test_the_models_of_the_readme_have_endpoints_of_their_own(platform, chat):
    """The eleven models are eleven services, and models() names them all."""
    for model in MODELS:
        chat.do(model=model, messages=[{"role": "user", "content": "你好"}])

    assert len({call.endpoint for call in platform.calls("chat")}) == len(MODELS) == 11
    assert set(MODELS) <= qianfan.ChatCompletion.models()


def test_the_default_is_the_model_the_readme_names(world, platform, chat):
    """Without a model, ERNIE-Bot-turbo answers."""
    world.ask(chat).text  # noqa: B018  # raises where it failed

    assert platform.calls("chat").last.model == "ERNIE-Bot-turbo"


def test_sync_streams_as_async_does(chat):
    """A sync stream is iterated as the README's Completion example does."""
    resp = chat.do(model="ERNIE-Bot", messages=[{"role": "user", "content": "你好"}], stream=True)

    assert "".join(r["result"] for r in resp).startswith("【本地平台】")


def test_a_printed_reply_names_its_class(chat, capsys):
    """print(resp) shows code, headers and body, as the dataclass of that time did."""
    print(chat.do(messages=[{"role": "user", "content": "你好"}]))  # noqa: T201  # the README prints it
    printed = capsys.readouterr().out

    assert printed.startswith("QfResponse(code=200, headers={")
    assert "body={" in printed


@pytest.fixture(params=["environment variable", "environment", "setters", "call"])
def console(request, start, monkeypatch, capsys):
    """Run a program without any key, where QIANFAN_LOCAL says so; or with real keys, given in each of three ways."""
    if request.param == "environment variable":
        embedded = PASS_TIME.replace("platform", "qianfan.local.embedded()")
        return lambda program: run(
            f"import qianfan\n{program.replace(PASS_TIME, embedded)}", QIANFAN_LOCAL="1"
        )
    platform = start(any_dataset=True)  # the README's dataset 1234 is nobody's here
    monkeypatch.setenv("QIANFAN_CONSOLE_API_BASE_URL", platform.url)
    if request.param == "environment":
        monkeypatch.setenv("QIANFAN_ACCESS_KEY", platform.access_key)
        monkeypatch.setenv("QIANFAN_SECRET_KEY", platform.secret_key)
    elif request.param == "setters":
        qianfan.AccessKey(platform.access_key)
        qianfan.SecretKey(platform.secret_key)

    def execute(program):
        if request.param == "call":
            program = signed_calls(program, platform)
        exec(compile(program, "readme", "exec"), {"platform": platform, "qianfan": qianfan})  # noqa: S102  # the README
        return capsys.readouterr().out

    return execute


def signed_calls(program, platform):
    """Return a program whose every console call brings the keys, as the README's third way has it."""
    tree = ast.parse(program)
    keys = ast.parse(f"f(ak={platform.access_key!r}, sk={platform.secret_key!r})", mode="eval").body.keywords
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(
            ("qianfan.FineTune.", "qianfan.Model.", "qianfan.Service.")
        ):
            node.keywords += keys
    return ast.unparse(tree)


def test_tuning_publishing_and_serving_run_as_written(console):
    """A task, a job on its way and at its end, a model, its version, a service: all as the README prints them."""
    task, job, running, finished, model, name, same, created, service = console(CONSOLE).splitlines()

    assert task.isdigit()
    assert job.isdigit()
    assert ast.literal_eval(running)["trainStatus"] == "RUNNING"
    assert ast.literal_eval(finished)["trainStatus"] == "FINISH"
    assert model.isdigit()
    assert name == same == "sdk_test_1"
    assert ast.literal_eval(created)["result"] is True
    assert int(service) == ast.literal_eval(created)["serviceId"]


def test_stopping_runs_as_written(console):
    """A job that runs is stopped, and says True."""
    assert console(f"{TUNE}\n{JOB_ID}\n{STOP}").splitlines()[-1] == "True"


@pytest.mark.parametrize(
    ("program", "code"),
    [(PUBLISH, 510202), (LIST, 500001), (DETAIL, 500001), (CREATE_SERVICE, 500001), (GET_SERVICE, 500001)],
)
def test_ids_of_another_account_are_refused_in_the_platforms_words(console, program, code):
    """The README's own ids are none of a fresh platform's: it says so with its code, and the program can catch it."""
    indented = program.strip().replace("\n", "\n    ")
    printed = console(f"try:\n    {indented}\nexcept qianfan.errors.APIError as error:\n    print(error)")

    assert printed.startswith(f"[{code}] ")


def test_the_ways_to_give_access_keys_run_as_written():
    """The three ways run one after another, on the local platform, with the README's own dots for keys."""

    def create(name):
        return f"\nprint(qianfan.FineTune.create_task(name={name!r}, description='task_desc')['result']['name'])\n"

    # As written, the third way leaves out the name, without which no SDK and no platform makes a task.
    by_call = KEYS_BY_CALL.replace("ak=", "name='third', ak=") + "print(task['result']['name'])"
    program = (
        KEYS_BY_ENVIRONMENT
        + "import qianfan"
        + create("first")
        + KEYS_BY_FUNCTION
        + create("second")
        + by_call
    )

    assert run(program, QIANFAN_LOCAL="1").split() == ["first", "second", "third"]


def test_a_task_without_a_name_is_refused_before_anything_is_sent():
    """The README's third way, as written, is told what it lacks."""
    with pytest.raises(TypeError, match=r"create_task\(\): missing a required argument: 'name'"):
        exec(compile(KEYS_BY_CALL, "readme", "exec"), {})  # noqa: S102  # the README
