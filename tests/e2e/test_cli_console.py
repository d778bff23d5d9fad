"""The commands of the console: `qianfan finetune`, `model` and `service`, in processes of their own."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len
from support.commands import Terminal, environment, one_line, posix, run, started
from support.processes import PATIENCE
from support.replies import whole
from support.server import Server

ROOT = Path(__file__).parents[2]
QUESTION, ANSWER = "请问 7 号柜台怎么走？", "直走，7 号柜台在左手边。"
FAILS = "模拟失败"  # a description that makes the local platform's jobs fail


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A directory of its own, where the commands leave what they keep."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def samples(here):
    """A file with samples to train on."""
    lines = [{"prompt": f"{n} 号柜台怎么走？", "response": f"直走，{n} 号柜台在左手边。"} for n in range(40)]
    file = here / "counter.jsonl"
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    return file.name


@pytest.fixture
def dataset(platform, samples):
    """The id of a dataset of the platform."""
    return str(platform.add_dataset(samples).id)


@pytest.fixture
def at(platform):
    """Run a command, given as one line, against the platform that the environment names."""
    return lambda line, *more, **options: run(
        *shlex.split(line), *more, **{**platform.environment, **options}
    )


@pytest.fixture
def client(platform):
    """A client of the platform."""
    with platform.client() as client:
        yield client


@pytest.fixture
def job(client, dataset):
    """A job that runs, as the options of commands: task 101, job 301."""
    client.finetune.create_task(name="counter")
    client.finetune.create_job(
        {
            "taskId": 101,
            "baseTrainType": "BLOOMZ-7B",
            "trainType": "BLOOMZ-7B",
            "trainMode": "SFT",
            "peftType": "LoRA",
            "trainConfig": {"epoch": 4, "learningRate": 0.00002},
            "trainset": [{"type": 1, "id": int(dataset)}],
            "trainsetRate": 20,
        }
    )
    return "--task 101 --job 301"


@pytest.fixture
def model(platform, client, job):  # noqa: ARG001  # the job is what is published
    """The first version of a model, which the job trained: model 5001, version 7001."""
    platform.advance(hours=1)
    client.model.publish(
        is_new=True, model_name="柜台", version_meta={"taskId": 101, "iterationId": 301}, tags=["指路"]
    )


def local(line, *more, **options):
    """Run a command, given as one line, with --local."""
    return run(*shlex.split(line), *more, "--local", **options)


def result(done):
    """Return what a command with --json printed."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# The loop


def test_the_loop_in_processes_of_their_own(samples, here):
    """With --local, task, job, model, service and chat are commands of their own, one going on from the other."""
    task = result(local("finetune create counter --json"))["id"]
    job = result(local(f"finetune run --task {task} --dataset {samples} --wait --json"))
    ids = f"--task {task} --job {job['id']}"
    model = result(local(f"model publish {ids} --name 柜台 --json"))
    ids = f"--model {model['modelId']} --version {model['versionId']}"
    service = result(local(f"service create {ids} --uri counter --json"))
    shown = result(local(f"service show {service['serviceId']} --json"))
    asked = local(f"chat -e counter {QUESTION!r}")

    assert job["trainStatus"] == "FINISH"
    assert shown["serviceStatus"] == "Done"
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, ANSWER + "\n", "")
    assert (here / ".qianfan/.gitignore").read_text() == "*\n"


def test_the_loop_on_a_platform_of_the_environment(at, platform, dataset):
    """Without --local, the environment says which platform; its clock is its own."""
    result(at("finetune create counter --json"))
    result(at(f"finetune run --task 101 --dataset {dataset} --json"))
    platform.advance(hours=1)
    job = result(at("finetune status --task 101 --job 301 --wait --json"))
    model = result(at("model publish --task 101 --job 301 --name 柜台 --json"))
    ids = f"--model {model['modelId']} --version {model['versionId']}"
    result(at(f"service create {ids} --uri counter --json"))
    platform.advance(minutes=1)

    assert job["trainStatus"] == "FINISH"
    assert at("chat -e counter", QUESTION).stdout == ANSWER + "\n"


@posix
def test_the_guides_session_runs():
    """The session that the guide shows runs as it is printed, and ends with the answer it was tuned for."""
    guide = (ROOT / "docs/guides/finetune.md").read_text("utf-8")
    session = "".join(re.findall(r"^```bash\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL))
    done = subprocess.run(
        ["sh", "-e"],
        input=session,
        capture_output=True,
        text=True,
        env=environment(PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"),
        timeout=PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == ANSWER


def test_what_comes_next_is_said(samples):
    """Each command names the next one on stderr, with the ids it needs and where to find them again."""
    state = "--state 'my state.db'"
    said = [
        run(*shlex.split(f"{line} {state}")).stderr.splitlines()[-1]
        for line in (
            "finetune create counter",
            f"finetune run -t 101 --dataset {samples}",
            "finetune status -t 101 -j 301 --wait",
            "model publish -t 101 -j 301 --name 柜台",
            "service create --model 5001 --version 7001 --uri counter",
        )
    ]

    assert said == [
        f"下一步：qianfan finetune run --task 101 --dataset <数据集> {state}",
        f"下一步：qianfan finetune status --task 101 --job 301 --wait {state}",
        f"下一步：qianfan model publish --task 101 --job 301 --name <名称> {state}",
        f"下一步：qianfan service create --model 5001 --version 7001 --uri <地址名> {state}",
        f"下一步：qianfan chat --endpoint counter {state} <问题>",
    ]


# The local platform's state


def test_a_new_state_file_is_told_of_once(here):
    """The first command says on stderr where the state is kept, the next ones do not."""
    first, second = (local(f"finetune create {name} --json") for name in ("counter", "door"))

    assert first.stderr == f"本地平台的状态保存在 {here.resolve() / '.qianfan/local.db'}\n"
    assert second.stderr == ""


def test_qianfan_local_keeps_the_state_too():
    """QIANFAN_LOCAL=1 does for a command what --local does, so that the loop closes there too."""
    created = run("finetune", "create", "counter", QIANFAN_LOCAL="1")
    again = local("finetune create counter")

    assert created.returncode == 0
    assert "510201" in one_line(again, 1)


def test_a_state_file_of_ones_own(here):
    """--state names the file, and is as good as --local."""
    run("finetune", "create", "counter", "--state", "my.db")

    assert "510201" in one_line(run("finetune", "create", "counter", "--state", "my.db"), 1)
    assert sorted(path.name for path in here.iterdir()) == ["my.db"]


def test_a_state_file_that_is_in_use(start):
    """While another platform uses the file, a command says so, and how to reach that platform."""
    start(state="my.db")
    line = one_line(run("model", "list", "--state", "my.db"), 2)

    assert "in use" in line
    assert "qianfan serve" in line


def test_a_state_file_that_is_none(samples):
    """A file that holds something else is refused in one line and stays as it is."""
    before = Path(samples).read_bytes()

    assert "no state file" in one_line(run("model", "list", "--state", samples), 2)
    assert Path(samples).read_bytes() == before


def test_chat_of_a_service_that_the_state_does_not_know(start):
    """With a state, a service that is not in it is refused, instead of being made up."""
    start(state="my.db").stop()

    assert "[3]" in one_line(run("chat", "你好", "-e", "counter", "--state", "my.db"), 1)


def test_chat_with_a_preset_model_leaves_the_state_alone(start):
    """A chat with a preset model needs no state, and runs beside what uses it."""
    Path(".qianfan").mkdir()
    start(state=".qianfan/local.db")

    assert local("chat 你好").stdout.startswith("【本地平台】")


def test_chat_of_a_service_whose_name_cannot_be():
    """A service's name that no URL can hold is refused in one line."""
    assert "a b" in one_line(local("chat 你好 -e 'a b'"), 2)


# What a job is made of

USUAL = {
    "taskId": 101,
    "baseTrainType": "ERNIE-Bot-turbo",
    "trainType": "ERNIE-Bot-turbo-0725",
    "trainMode": "SFT",
    "peftType": "LoRA",
    "trainConfig": {"epoch": 4, "learningRate": 0.00002, "maxSeqLen": 4096},
    "trainset": [{"type": 1, "id": 1001}],
    "trainsetRate": 20,
}
PLAIN = {"epoch": 4, "learningRate": 0.00002}
BLOOMZ = {**USUAL, "baseTrainType": "BLOOMZ-7B", "trainType": "BLOOMZ-7B", "trainConfig": PLAIN}


@pytest.mark.parametrize(
    ("options", "body"),
    [
        ("", USUAL),
        ("--base BLOOMZ-7B", BLOOMZ),
        ("--train-type BLOOMZ-7B", BLOOMZ),
        (
            "--train-type ERNIE-Bot-turbo-0516",
            {**USUAL, "trainType": "ERNIE-Bot-turbo-0516", "peftType": "ALL", "trainConfig": PLAIN},
        ),
        (
            "--base BLOOMZ-7B --peft P-tuning --epoch 3 --learning-rate 1e-4 --batch-size 8 --max-seq-len 8192 -d 指路",
            {
                **BLOOMZ,
                "peftType": "P-tuning",
                "trainConfig": {"epoch": 3, "learningRate": 0.0001, "batchSize": 8, "maxSeqLen": 8192},
                "description": "指路",
            },
        ),
        (
            "--trainset-rate 5 -p trainConfig.loggingSteps=1 -p increConfig.taskId=7 -p note=text",
            {
                **USUAL,
                "trainsetRate": 5,
                "trainConfig": {**USUAL["trainConfig"], "loggingSteps": 1},
                "increConfig": {"taskId": 7},
                "note": "text",
            },
        ),
        (
            "--file job.json --epoch 9",
            {**BLOOMZ, "trainConfig": {**PLAIN, "epoch": 9}, "trainsetRate": 7},
        ),
    ],
)
def test_what_a_job_is_made_of(at, platform, dataset, here, options, body):
    """Usual values or a file, then options over them, then --param: that is the body."""
    at("finetune create counter")
    (here / "job.json").write_text(json.dumps({**BLOOMZ, "trainset": [], "trainsetRate": 7}))
    done = at(f"finetune run --task 101 --dataset {dataset} {options}")

    assert done.returncode == 0, done.stderr
    assert platform.calls("console").last.body == body


def test_a_file_needs_no_other_option(at, platform, dataset, here):
    """A file that names task and trainset is enough."""
    at("finetune create counter")
    (here / "job.json").write_text(json.dumps({**BLOOMZ, "trainset": [{"type": 1, "id": int(dataset)}]}))
    done = at("finetune run --file job.json")

    assert done.returncode == 0, done.stderr
    assert platform.calls("console").last.body == BLOOMZ


def test_several_datasets(samples, here):
    """Files and ids make one trainset; the same file is the same dataset."""
    (here / "more.jsonl").write_text(Path(samples).read_text("utf-8"), "utf-8")
    local("finetune create counter")
    done = local(f"finetune run -t 101 --dataset {samples} --dataset more.jsonl --dataset 1001")

    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[:2] == [
        "数据集 counter：id 1001，40 条",
        "数据集 more：id 1002，40 条",
    ]


# The fields of the other commands


def test_fields_of_a_task(at, platform):
    """A task's description, and fields this package does not know, travel to the platform."""
    assert at("finetune create counter -d 指路 -p trainType=BLOOMZ-7B").returncode == 0
    assert platform.calls("console").last.body == {
        "name": "counter",
        "description": "指路",
        "trainType": "BLOOMZ-7B",
    }


@pytest.mark.usefixtures("model")
def test_fields_of_a_model(at, platform):
    """A job may be published as the next version of a model."""
    published = result(at("model publish -t 101 -j 301 --model 5001 --tag 指路 --tag 二 --json"))

    assert published["version"] == "2"
    assert platform.calls("console").last.body == {
        "isNewModel": False,
        "versionMeta": {"taskId": 101, "iterationId": 301},
        "modelId": 5001,
        "tags": ["指路", "二"],
    }


@pytest.mark.usefixtures("model")
def test_fields_of_a_service(at, platform):
    """A service's fields travel to the platform; ids may be the later texts."""
    options = "--name 柜台服务 --replicas 2 --pool private -d 指路"
    done = at(f"service create --model 5001 --version 7001 --uri counter {options}")

    assert done.returncode == 0, done.stderr
    assert platform.calls("console").last.body == {
        "modelId": 5001,
        "modelVersionId": 7001,
        "name": "柜台服务",
        "uri": "counter",
        "replicas": 2,
        "poolType": 2,
        "description": "指路",
    }


def test_ids_may_be_texts(at, client, job):  # noqa: ARG001  # the job is what is asked for
    """The later ids, which are texts, do as well as numbers."""
    detail = client.finetune.get_job(101, 301)["result"]
    shown = result(at(f"finetune status -t {detail['taskIdStr']} -j {detail['runIdStr']} --json"))

    assert shown["id"] == 301


# What is printed


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("finetune status -t 101 -j 301", lambda client: client.finetune.get_job(101, 301)),
        ("model list", lambda client: client.model.list_user()),
        ("model list --preset", lambda client: client.model.list_preset()),
        ("model show 5001", lambda client: client.model.list(5001)),
        ("model show --version 7001", lambda client: client.model.detail(7001)),
        ("service show 161", lambda client: client.service.get(161)),
        ("service list", lambda client: client.service.list()),
    ],
)
def test_json_is_the_result_and_nothing_else(at, platform, client, line, asked):
    """--json prints the reply's result on stdout and nothing anywhere else."""
    client.service.create(5001, 7001, "counter", "counter", 1, 1)
    platform.advance(minutes=1)
    done = at(f"{line} --json")

    assert result(done) == asked(client)["result"]
    assert done.stderr == ""


def test_json_survives_an_output_that_cannot_show_chinese(at, model):  # noqa: ARG001  # the model is listed
    """JSON is whole whatever characters the output can show."""
    done = at("model list --json", PYTHONIOENCODING="ascii")

    assert done.stdout.isascii()
    assert result(done)["modelList"][0]["modelName"] == "柜台"


def cells(line):
    """Return where the cells of a line begin, and what they hold, as a terminal would place them."""
    found = re.finditer(r"\S+(?: \S+)*", line)
    return [(cell_len(line[: cell.start()]), cell[0]) for cell in found]


@pytest.mark.usefixtures("model")
def test_a_pipe_gets_aligned_columns(at):
    """Into a pipe, a table is columns that stand under their titles."""
    titles, row = at("model list").stdout.splitlines()

    assert [text for _, text in cells(titles)] == ["模型 ID", "名称", "版本数", "标签", "创建时间"]
    assert [text for _, text in cells(row)][:4] == ["5001", "柜台", "1", "指路"]
    assert [start for start, _ in cells(titles)] == [start for start, _ in cells(row)]


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("finetune status -t 101 -j 301", ["101", "counter", "301", "FINISH", "100%", "bloomz-7b", "LoRA"]),
        ("model list --preset", ["ERNIE-Bot-turbo"]),
        ("model show 5001", ["5001", "柜台", "7001", "Ready", "101", "301"]),
        ("model show --version 7001", ["5001", "柜台", "7001", "Ready", "101", "301"]),
        ("service show 161", ["161", "柜台服务", "counter", "Deploying", "5001", "7001"]),
        ("service list", ["161", "柜台服务", "counter", "chat", "Deploying"]),
        ("service list --preset", ["ERNIE-Bot", "completions", "chat", "Done"]),
    ],
)
def test_what_is_shown(at, client, line, words):
    """A command shows what one asks it for."""
    client.service.create(5001, 7001, "柜台服务", "counter", 1, 1)
    done = at(line)

    assert done.returncode == 0, done.stderr
    shown = {text for row in done.stdout.splitlines() for _, cell in cells(row) for text in cell.split()}
    assert set(words) - shown == set()


def test_nothing_to_list(at):
    """Where there is nothing, stdout stays empty and stderr says so."""
    done = at("service list")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "（没有）\n")


def test_a_result_of_another_shape():
    """A result whose shape is not known here is printed as JSON."""
    cases = [
        ("model list", [{"modelId": 1}]),
        ("model list", {"models": []}),
        ("service show 1", {"service": {"id": 1}}),
        ("finetune status -t 1 -j 1", None),
    ]
    with Server() as server:
        env = {
            "QIANFAN_CONSOLE_API_BASE_URL": server.url,
            "QIANFAN_ACCESS_KEY": "a",
            "QIANFAN_SECRET_KEY": "s",
        }
        for line, shape in cases:
            server.answer(whole({"log_id": "1", "result": shape}))
            assert result(run(*shlex.split(line), **env)) == shape


@posix
@pytest.mark.usefixtures("model")
def test_a_terminal_gets_a_table(platform):
    """At a terminal, a table has a line below its titles, and the colours of a terminal."""
    terminal = Terminal("model", "list", TERM="xterm", **platform.environment)
    try:
        terminal.see("模型 ID")
        terminal.see("───")
        terminal.see("柜台")
        assert terminal.end() == 0
    finally:
        terminal.close()


# Waiting


@posix
def test_a_bar_at_a_terminal(samples):
    """At a terminal, waiting shows a bar that reaches its end."""
    local("finetune create counter")
    arguments = shlex.split(f"finetune run -t 101 --dataset {samples} --wait --local")
    terminal = Terminal(*arguments, TERM="xterm")
    try:
        terminal.see("RUNNING ━")
        terminal.see("FINISH ━")
        terminal.see("100%")
        terminal.see("FINISH")
        assert terminal.end() == 0
    finally:
        terminal.close()


def test_lines_in_a_pipe(samples):
    """Elsewhere, waiting writes a line to stderr whenever something changed, and says that the clock is moved."""
    local("finetune create counter")
    done = local(f"finetune run -t 101 --dataset {samples} --epoch 50 --wait")

    assert done.returncode == 0
    assert done.stderr.splitlines()[1:-1] == [
        "等待时，本地平台的时钟每次查看后前进 5 分钟。",
        "运行 301 RUNNING 0%",
        "运行 301 RUNNING 53%",
        "运行 301 FINISH 100%",
    ]


def test_a_job_that_fails(samples):
    """A job that fails is shown, and ends the command with exit code 1."""
    local("finetune create counter")
    done = local(f"finetune run -t 101 --dataset {samples} -d {FAILS} --wait")
    asked = local("finetune status -t 101 -j 301 --json")

    assert done.returncode == 1
    assert re.search(r"状态 +FAIL\n失败原因 +\S", done.stdout)
    assert done.stderr.splitlines()[-1] == "qianfan: the job 301 ended with FAIL"
    assert result(asked)["trainStatus"] == "FAIL"


def test_a_job_that_is_stopped(at, job):
    """A job is stopped by a command; to wait for it then is an error, to stop it again too."""
    stopped = at(f"finetune stop {job}")
    waited = at(f"finetune status {job} --wait --json")

    assert (stopped.returncode, stopped.stdout, stopped.stderr) == (0, "", "运行 301 已停止。\n")
    assert waited.returncode == 1
    assert json.loads(waited.stdout)["trainStatus"] == "STOP"
    assert waited.stderr.splitlines()[-1] == "qianfan: the job 301 was stopped"
    assert "510302" in one_line(at(f"finetune stop {job}"), 1)


def test_stopping_for_a_script(at, job):
    """--json prints what the platform said."""
    done = at(f"finetune stop {job} --json")

    assert (done.returncode, done.stdout, done.stderr) == (0, "true\n", "")


def test_time_is_over(at, job):
    """--timeout ends the waiting with exit code 1, the job as it was seen, and the way back."""
    done = at(f"finetune status {job} --timeout 0.2")

    assert done.returncode == 1
    assert "RUNNING" in done.stdout
    assert f"qianfan finetune status {job} --wait" in done.stderr.splitlines()[-1]


@posix
@pytest.mark.usefixtures("job")
def test_ctrl_c_ends_the_waiting_only(platform, client, dataset):
    """Ctrl-C while waiting ends with exit code 130 and the way back; the job goes on."""
    client.finetune.create_task(name="door")
    line = f"finetune run --task 102 --dataset {dataset} --wait"
    with started(*shlex.split(line), **platform.environment) as process:
        first = process.stderr.readline().decode()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)

    assert first == "运行 302 RUNNING 0%\n"
    assert (process.returncode, out) == (130, b"")
    assert "Traceback" not in err.decode()
    assert (
        err.decode().splitlines()[-1]
        == "不再等待，运行仍在继续。再次等待：qianfan finetune status --task 102 --job 302 --wait"
    )
    assert client.finetune.get_job(102, 302).status == "RUNNING"


# What goes wrong


def test_no_keys():
    """Without keys a command ends with exit code 2 and one line that says which keys to set."""
    line = one_line(run("finetune", "create", "counter"), 2)

    assert "QIANFAN_ACCESS_KEY" in line
    assert "QIANFAN_LOCAL" in line


def test_wrong_keys(at):
    """A wrong key ends a command with exit code 1 and one line without the key."""
    line = one_line(at("model list", QIANFAN_SECRET_KEY="wrong-5ecret"), 1)

    assert "5ecret" not in line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("finetune create x", ["name", "2 to 20"]),
        ("finetune create counter -p novalue", ["NAME=JSON"]),
        ("finetune run --dataset 1001", ["--task"]),
        ("finetune run --task 101", ["--dataset"]),
        ("finetune run -t 101 --dataset 1001 --epoch 99", ["trainConfig.epoch", "[1, 50]", "99"]),
        ("finetune run -t 101 --dataset 1001 --peft Lora", ["peftType", "LoRA", "Lora"]),
        ("finetune run -t 101 --dataset 1001 -p taskId.x=1", ["taskId"]),
        ("finetune run -t 101 --dataset counter.jsonl", ["counter.jsonl", "--local"]),
        ("finetune run -t 101 --dataset nothing.jsonl --local", ["nothing.jsonl"]),
        ("finetune run -t 101 --dataset bad.jsonl --local", ["bad.jsonl", "line 2"]),
        ("finetune run -t 101 --dataset 1001 --file bad.jsonl", ["bad.jsonl", "JSON"]),
        ("finetune run -t 101 --dataset 1001 --file list.json", ["list.json", "JSON"]),
        ("model show", ["--version"]),
        ("model show 5001 --version 7001", ["--version"]),
        ("model publish -t 101 -j 301", ["--name", "--model"]),
        ("model publish -t 101 -j 301 --name 柜台 --model 5001", ["--name", "--model"]),
        ("service create --model 5001 --version 7001 --uri c", ["2 to 20"]),
    ],
)
def test_a_call_that_cannot_be_right(at, platform, samples, here, line, words):  # noqa: ARG001  # it is there
    """A call that cannot be right is refused in one line, with exit code 2, before anything is sent."""
    (here / "bad.jsonl").write_text('{"prompt": "a", "response": "b"}\n{"prompt": ""}\n')
    (here / "list.json").write_text("[]")
    (here / ".qianfan").mkdir()
    done = at(line)

    assert (done.returncode, done.stdout) == (2, "")
    said = done.stderr.splitlines()[-1]
    assert said.startswith("qianfan: ")
    assert [word for word in words if word not in said] == []
    assert platform.calls() == []


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("finetune status -t 999 -j 301", "510202"),
        ("finetune status -t 101 -j 999 --wait", "510301"),
        ("finetune stop -t 101 -j 999", "510301"),
        ("finetune create counter", "510201"),
        ("finetune run -t 101 --dataset 9999", "510102"),
        ("finetune run -t 101 --dataset 1001 --epoch 99 --no-validate", "510401"),
        ("model publish -t 101 -j 301 --name 柜台", "510302"),
        ("model show nothing", "500001"),
        ("model show --version 9", "500001"),
        ("service show 9", "500001"),
        ("service create --model 9 --version 9 --uri counter", "500001"),
    ],
)
def test_what_the_platform_refuses(at, job, line, words):  # noqa: ARG001  # the job is there
    """What the platform refuses ends a command with exit code 1, one line and its code."""
    assert words in one_line(at(line), 1)


@pytest.mark.parametrize(
    "line",
    [
        "finetune status -t 101",
        "finetune run --epoch two",
        "finetune run --file nothing.json",
        "finetune run --timeout 0",
        "service create --model 1 --version 1 --uri counter --pool other",
        "service create --model 1 --version 1 --uri counter --replicas 0",
        "service show",
        "model list --state .",
    ],
)
def test_options_that_do_not_fit(line):
    """An option that is missing or does not fit ends a command with exit code 2."""
    done = run(*shlex.split(line))

    assert (done.returncode, done.stdout) == (2, "")
    assert "Error" in done.stderr


def test_a_platform_that_is_not_there(start):
    """A platform that is not there ends a command with exit code 1 and one line with its address."""
    platform = start()
    env = platform.environment
    platform.stop()

    assert env["QIANFAN_CONSOLE_API_BASE_URL"] in one_line(run("model", "list", **env), 1)


# The command itself


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["finetune", "model", "service"]),
        (["finetune", "--help"], ["create", "run", "status", "stop"]),
        (
            ["finetune", "run", "--help"],
            ["--task", "--dataset", "--file", "--wait", "--local", "--state", "--json"],
        ),
        (["model", "--help"], ["list", "show", "publish"]),
        (["service", "--help"], ["create", "show", "list"]),
        (["chat", "--help"], ["--state"]),
    ],
)
def test_help(arguments, words):
    """--help names the commands and their options."""
    done = run(*arguments)

    assert (done.returncode, done.stderr) == (0, "")
    assert [word for word in words if word not in done.stdout] == []


def test_help_is_cheap():
    """--help imports neither transports nor the local platform, and no progress bar."""
    program = """
import sys
from qianfan.cli import main
sys.argv = ["qianfan", "--help"]
try:
    main()
finally:
    heavy = {"aiohttp", "urllib3", "ssl", "starlette", "uvicorn", "sqlite3", "rich.progress", "qianfan.local"}
    print(sorted(heavy & set(sys.modules)))
"""
    done = run(command=[sys.executable, "-c", program])

    assert done.stdout.splitlines()[-1] == "[]"
