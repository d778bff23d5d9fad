"""The README of 2023, as code: programs of that time run unchanged."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from applications import register
from support.processes import PATIENCE, _bare_environment

import qianfan

# The examples as that README has them. What differs: the end of input ends the endless loop, and the
# example of Plugin imports the package that the README imports above it.
CALLS = """
import qianfan
chat_comp = qianfan.ChatCompletion(ak="...", sk="...")

# 调用默认模型，即 ERNIE-Bot-turbo
resp = chat_comp.do(messages=[{
    "role": "user",
    "content": "你好"
}])

print(resp['body']['result'])
# 输入：你好
# 输出：你好！有什么我可以帮助你的吗？

# 指定特定模型
resp = chat_comp.do(model="ERNIE-Bot", messages=[{
    "role": "user",
    "content": "你好"
}])

# 指定自行发布的模型
resp = chat_comp.do(endpoint="your_custom_endpoint", messages=[{
    "role": "user",
    "content": "你好"
}])
"""

LOOP = """
import qianfan
chat_comp = qianfan.ChatCompletion(ak="...", sk="...")

# 也可以利用内置 Messages 简化多轮对话
# 下面是一个简单的用户对话案例，实现了对话内容的记录
msgs = qianfan.Messages()
while True:
    msgs.append(input())         # 增加用户输入
    resp = chat_comp.do(messages=msgs)
    print(resp)									 # 打印输出
    msgs.append(resp)            # 增加模型输出
"""

ASYNC = """
import qianfan
chat_comp = qianfan.ChatCompletion(ak="...", sk="...")

# 异步调用
resp = await chat_comp.ado(model="ERNIE-Bot-turbo", messages=[{
    "role": "user",
    "content": "你好"
}])
print(resp['body']['result'])

# 异步流式调用
resp = await chat_comp.ado(model="ERNIE-Bot-turbo", messages=[{
    "role": "user",
    "content": "你好"
}], stream=True)

async for r in resp:
    print(r['result'])
"""

COMPLETION = """
import qianfan
comp = qianfan.Completion(ak="...", sk="...")

resp = comp.do(model="ERNIE-Bot", prompt="你好")
# 输出：你好！有什么我可以帮助你的吗？

# 续写功能同样支持流式调用
resp = comp.do(model="ERNIE-Bot", prompt="你好", stream=True)
for r in resp:
    print(r['result'])

# 异步调用
resp = await comp.ado(model="ERNIE-Bot-turbo", prompt="你好")
print(resp['body']['result'])

# 异步流式调用
resp = await comp.ado(model="ERNIE-Bot-turbo", prompt="你好", stream=True)
async for r in resp:
    print(r['result'])

# 调用非平台内置的模型
resp = comp.do(endpoint="your_custom_endpoint", prompt="你好")
"""

EMBEDDING = """
# Embedding 基础功能
import qianfan
emb = qianfan.Embedding(ak="...", sk="...")

resp = emb.do(model="Embedding-V1", texts=["世界上最高的山"])
print(resp['data'][0]['embedding'])
# 输出：0.062249645590782166, 0.05107472464442253, 0.033479999750852585, ...]

# 异步调用
resp = await emb.ado(texts=[
    "世界上最高的山"
])
print(resp['data'][0]['embedding'])

# 使用非预置模型
resp = emb.do(endpoint="your_custom_endpoint", texts=[
    "世界上最高的山"
])
"""

PLUGIN = """
# Plugin 基础功能展示
import qianfan
plugin = qianfan.Plugin()
resp = plugin.do(endpoint="your_custom_endpoint", prompt="你好")
print(resp['result'])

# 流式调用
resp = plugin.do(endpoint="your_custom_endpoint", prompt="你好", stream=True)

# 异步调用
resp = await plugin.ado(endpoint="your_custom_endpoint", prompt="你好")
print(resp['result'])

# 异步流式调用
resp = await plugin.ado(endpoint="your_custom_endpoint", prompt="你好", stream=True)
async for r in resp:
    print(r)
"""

RATE = """
import qianfan
chat_comp = qianfan.ChatCompletion(query_per_second=0.5)
print(chat_comp.do(messages=[{"role": "user", "content": "你好"}])['body']['result'])
"""

BY_ENVIRONMENT = """
# 通过环境变量传递（作用于全局，优先级最低）
import os
os.environ["QIANFAN_AK"]="..."
os.environ["QIANFAN_SK"]="..."
"""

BY_FUNCTION = """
# 或者通过内置函数传递（作用于全局，优先级大于环境变量）
import qianfan
qianfan.AK("...")
qianfan.SK("...")
"""

BY_CONSTRUCTOR = """
# 或者构造时传递（仅作用于该对象，优先级最高）
import qianfan
chat_comp = qianfan.ChatCompletion(ak="...", sk="...")
"""

CALL = """
import qianfan
chat_comp = qianfan.ChatCompletion()
print(chat_comp.do(messages=[{"role": "user", "content": "你好"}])['body']['result'])
"""

# The console's examples. Their ids (a dataset 1234, a model 5862, a version 5659, a task 9220, ...) are of
# somebody's account; on a platform of our own they can only be those that the calls before gave, so
# GLUE between the examples puts them into the README's places.
TUNE = """
import qianfan
# 创建任务
resp = qianfan.FineTune.create_task(name="task_name", description="task_desc")
# 获取返回结果
task_id = resp['result']['id']
print(task_id)

# 创建任务运行，具体参数可以参见 API 文档
create_job_resp = qianfan.FineTune.create_job({
    "taskId": task_id,
    "baseTrainType": "ERNIE-Bot-turbo",
    "trainType": "ERNIE-Bot-turbo-0725",
    "trainMode": "SFT",
    "peftType": "LoRA",
    "trainConfig": {
        "epoch": 4,
        "learningRate": 0.00002,
        "batchSize": 4,
        "maxSeqLen": 4096
    },
    "trainset": [
        {
            "type": 1,
            "id": 1234
        }
    ],
    "trainsetRate": 20
})

# 获取运行 id
print(create_job_resp['result']['id'])
"""

LOOK = """
# 根据任务和运行id，查询任务运行的具体状态
job= qianfan.FineTune.get_job(task_id, job_id)
# 获取任务详情
print(job['result'])
"""

STOP = """
# 提供任务和运行 id，停止运行
stop = qianfan.FineTune.stop_job(task_id, job_id)
# 获取停止结果
print(stop['result']) # => True
"""

PUBLISH = """
g = qianfan.Model.publish(
    is_new=True,
    model_name="sdk_test_1",
    version_meta={"taskId": 9220, "iterationId": 5234},
)
print(g['result']['modelId'])
"""

LIST = """
model_list = qianfan.Model.list(model_id = 5862)
print(model_list['result']['modelVersionList'][0]['modelName'])
"""

DETAIL = """
model = qianfan.Model.detail(model_version_id = 5659)
print(model['result']['modelName'])
"""

CREATE_SERVICE = """
g = qianfan.Service.create(
    model_id=123,
    iteration_id=456,
    name="sdk_test",
    uri="svc_uri",
    replicas=1,
    pool_type=2,
)
print(g['result'])
"""

GET_SERVICE = """
svc = qianfan.Service.get(id = 2047)
print(svc['result']['id'])
"""

KEYS_BY_ENVIRONMENT = """
# 通过环境变量传递（作用于全局，优先级最低）
import os
os.environ["QIANFAN_ACCESS_KEY"] = "..."
os.environ["QIANFAN_SECRET_KEY"] = "..."
"""

KEYS_BY_FUNCTION = """
# 或者通过内置函数传递（作用于全局，优先级大于环境变量）
import qianfan
qianfan.AccessKey("...")
qianfan.SecretKey("...")
"""

KEYS_BY_CALL = """
# 或者调用相关接口时传递（仅作用于该请求，优先级最高）
import qianfan
task = qianfan.FineTune.create_task(ak="...", sk="...")
"""

MODELS = [
    "ERNIE-Bot-4",
    "ERNIE-Bot-turbo",
    "ERNIE-Bot",
    "BLOOMZ-7B",
    "Llama-2-7b-chat",
    "Llama-2-13b-chat",
    "Llama-2-70b-chat",
    "Qianfan-BLOOMZ-7B-compressed",
    "Qianfan-Chinese-Llama-2-7B",
    "ChatGLM2-6B-32K",
    "AquilaChat-7B",
]

VECTOR_MODELS = ["Embedding-V1", "bge-large-en", "bge-large-zh"]

#: Runs a program given as text, `await` outside a function and all.
RUNNER = """
import ast, asyncio, inspect, logging, sys
logging.getLogger("asyncio").setLevel(logging.ERROR)
code = compile(sys.argv[1], "readme", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
namespace = {"__name__": "readme"}
try:
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(code, namespace))
    else:
        exec(code, namespace)
except EOFError:
    pass
"""


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


#: Between the examples: an id that the README takes for granted, and the time that a job takes.
JOB_ID = "job_id = create_job_resp['result']['id']"
PASS_TIME = "platform.advance(hours=6)"

PUBLISHED = PUBLISH.replace("9220", "task_id").replace("5234", "job_id") + "published = g['result']"

#: The sections 大模型调优, 大模型管理 and 大模型服务 as one program.
CONSOLE = "\n".join(
    [
        *(TUNE, JOB_ID, LOOK, PASS_TIME, LOOK, PUBLISHED),
        LIST.replace("5862", "published['modelId']"),
        DETAIL.replace("5659", "published['versionId']"),
        CREATE_SERVICE.replace("123", "published['modelId']").replace("456", "published['versionId']"),
        GET_SERVICE.replace("2047", "g['result']['serviceId']"),
    ]
)


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
