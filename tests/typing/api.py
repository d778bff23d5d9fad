"""What type checkers make of the public surface. Checked by mypy and pyright, never run.

A line with an `ignore` is an error that must be found: both checkers fail where it is not needed.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import assert_type

import qianfan
from qianfan import (
    AsyncStream,
    ChatCompletion,
    Completion,
    Embedding,
    FineTune,
    Image2Text,
    Messages,
    Plugin,
    Qianfan,
    Reranker,
    Response,
    Role,
    Stream,
    Text2Image,
    Tokenizer,
    errors,
)
from qianfan.catalog import Model
from qianfan.console.job import Job
from qianfan.core.ledger import Budget, Used
from qianfan.resources.models import ModelList
from qianfan.response import Choice, Message, RateLimits, ToolCall, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MESSAGES = [{"role": "user", "content": "你好"}]


def do(chat: ChatCompletion, flag: bool) -> None:
    """Call: `stream` decides what comes back."""
    assert_type(chat.do(MESSAGES), Response)
    assert_type(chat.do(messages=MESSAGES, stream=False), Response)
    assert_type(chat.do(messages=MESSAGES, stream=True), Stream)
    assert_type(chat.do(messages=MESSAGES, stream=flag), Response | Stream)
    assert_type(chat.do(MESSAGES, "ERNIE-Bot", None, False), Response)
    assert_type(chat.do(MESSAGES, "ERNIE-Bot", stream=True), Stream)


async def ado(chat: ChatCompletion, flag: bool) -> None:
    """Call in the other world: the same decides."""
    assert_type(await chat.ado(MESSAGES), Response)
    assert_type(await chat.ado(messages=MESSAGES, stream=False), Response)
    assert_type(await chat.ado(messages=MESSAGES, stream=True), AsyncStream)
    assert_type(await chat.ado(messages=MESSAGES, stream=flag), Response | AsyncStream)


def streams(chat: ChatCompletion) -> None:
    """Iterate, collect, close."""
    for event in chat.do(MESSAGES, stream=True):
        assert_type(event, Response)
    with chat.do(MESSAGES, stream=True) as stream:
        assert_type(stream, Stream)
        assert_type(next(stream), Response)
        assert_type(stream.collect(), Response)
        assert_type(stream.so_far(), Response)
        stream.close()


async def async_streams(chat: ChatCompletion) -> None:
    """Iterate, collect, close, with `await`."""
    async for event in await chat.ado(MESSAGES, stream=True):
        assert_type(event, Response)
    async with await chat.ado(MESSAGES, stream=True) as stream:
        assert_type(stream, AsyncStream)
        assert_type(await stream.acollect(), Response)
        assert_type(stream.so_far(), Response)
        await stream.aclose()


def replies(response: Response) -> None:
    """Read as a mapping and by attribute."""
    mapping: Mapping[str, Any] = response
    assert_type(response.code, int)
    assert_type(response.body, dict[str, Any])
    headers: dict[str, str] = response.headers
    assert_type(headers["X-A"], str)
    assert_type(response.usage, Usage)
    assert_type(response.usage.total_tokens, int)
    assert_type(response.request_id, str | None)
    assert_type({**mapping}, dict[str, Any])
    text: str = response["result"]
    same: str = response.result
    city: str = response.function_call.arguments
    qianfan.QfResponse(200, {}, {"result": text + same + city})


def parameters(chat: ChatCompletion) -> None:
    """Give what a call may set; a name that is no parameter, or a value of another type, is an error."""
    chat.do(
        MESSAGES,
        model=None,
        endpoint=None,
        temperature=0.5,
        top_p=None,
        stop=["。"],
        system="你是诗人",
        functions=[{"name": "f", "description": "d", "parameters": {"type": "object"}}],
        extra={"appeared_yesterday": 1},
        headers={"X-A": "b"},
        query={"a": "b"},
        retry_count=0,
        request_timeout=1.5,
        backoff_factor=0,
        request_id="r-1",
    )
    chat.do(MESSAGES, temprature=0.5)  # type: ignore[call-overload]
    chat.do(MESSAGES, temperature="hot")  # type: ignore[call-overload]
    chat.do(MESSAGES, stream="yes")  # type: ignore[call-overload]
    chat.do("你好")  # type: ignore[arg-type]
    chat.do(MESSAGES, query="x")  # type: ignore[call-overload]
    chat.do()  # type: ignore[call-overload]


async def async_parameters(chat: ChatCompletion) -> None:
    """Find the same mistakes in the other world."""
    await chat.ado(MESSAGES, temperature=0.5, extra={"appeared_yesterday": 1})
    await chat.ado(MESSAGES, temprature=0.5)  # type: ignore[call-overload]
    await chat.ado(MESSAGES, temperature="hot")  # type: ignore[call-overload]


def objects() -> None:
    """Make the classic object; a misspelt setting, or one of another type, is an error."""
    assert_type(ChatCompletion(), ChatCompletion)
    assert_type(ChatCompletion(ak="a", sk="s", model=None, query_per_second=0.5), ChatCompletion)
    assert_type(ChatCompletion("ERNIE-Bot", access_token=None, request_timeout=60), ChatCompletion)
    assert_type(ChatCompletion.models(), set[str])
    ChatCompletion(query_per_secound=1)  # type: ignore[call-arg]
    ChatCompletion(ak=1)  # type: ignore[arg-type]


def clients() -> None:
    """Make an explicit client and use what is on it."""
    with Qianfan(ak="a", sk="s", base_url="http://host", proxy="", verify=False, ca_bundle=None) as client:
        assert_type(client, Qianfan)
        assert_type(client.chat.do(MESSAGES, stream=True), Stream)
        assert_type(client.access_token(), str)
    client.close()
    Qianfan(model="ERNIE-Bot")  # type: ignore[call-arg]


async def async_clients() -> None:
    """Do the same in the other world."""
    async with Qianfan() as client:
        assert_type(client, Qianfan)
        assert_type(await client.chat.ado(MESSAGES), Response)
    await client.aclose()


def completions(comp: Completion, flag: bool) -> None:
    """Write on: `stream` decides what comes back."""
    assert_type(comp.do("你好"), Response)
    assert_type(comp.do(model="ERNIE-Bot", prompt="你好", stream=False), Response)
    assert_type(comp.do(prompt="你好", stream=True), Stream)
    assert_type(comp.do("你好", "ERNIE-Bot", None, stream=flag), Response | Stream)
    comp.do("你好", temperature=0.5, top_k=3, stop=["。"], query={"a": "b"}, extra={"new": 1})
    comp.do("你好", temprature=0.5)  # type: ignore[call-overload]
    comp.do(["你好"])  # type: ignore[call-overload]
    comp.do("你好", query="x")  # type: ignore[call-overload]
    comp.do("你好", functions=[])  # type: ignore[call-overload]
    comp.do()  # type: ignore[call-overload]


async def async_completions(comp: Completion, flag: bool) -> None:
    """Do the same in the other world."""
    assert_type(await comp.ado("你好"), Response)
    assert_type(await comp.ado("你好", stream=True), AsyncStream)
    assert_type(await comp.ado("你好", stream=flag), Response | AsyncStream)
    await comp.ado("你好", temprature=0.5)  # type: ignore[call-overload]


async def embeddings(emb: Embedding, flag: bool) -> None:
    """Turn texts into vectors; there is no stream."""
    assert_type(emb.do(["a", "b"]), Response)
    assert_type(emb.do(texts=("a",), model="tao-8k", endpoint=None, stream=False), Response)
    assert_type(emb.do((text for text in "ab"), batch_size=4, concurrency=2, user_id="u"), Response)
    assert_type(await emb.ado(["a"], request_timeout=1.5), Response)
    emb.do(["a"], stream=True)  # type: ignore[arg-type]
    emb.do(["a"], stream=flag)  # type: ignore[arg-type]
    emb.do([1])  # type: ignore[list-item]
    emb.do(["a"], batch_size="4")  # type: ignore[arg-type]
    emb.do(["a"], temperature=0.5)  # type: ignore[call-arg]
    await emb.ado(["a"], batchsize=4)  # type: ignore[call-arg]


def plugins(plugin: Plugin, flag: bool) -> None:
    """Ask an application: `query` is the question here, and no mapping for the URL."""
    assert_type(plugin.do("你好", endpoint="shop"), Response)
    assert_type(plugin.do(query="你好", endpoint="shop"), Response)
    assert_type(plugin.do(endpoint="shop", prompt="你好", stream=True), Stream)
    assert_type(plugin.do(endpoint="shop", prompt="你好", stream=flag), Response | Stream)
    assert_type(plugin.do(MESSAGES, "EBPlugin", plugins=["eChart"], extra_data="{}"), Response)
    assert_type(plugin.do(messages=Messages(), model="EBPlugin", plugins=["eChart"]), Response)
    plugin.do("x", llm={"temperature": 0.5}, input_variables={}, history=MESSAGES, verbose=True, fileurl="u")
    plugin.do(query={"a": "b"}, endpoint="shop")  # type: ignore[call-overload]
    plugin.do("x", endpoint="shop", temperature=0.5)  # type: ignore[call-overload]


async def async_plugins(plugin: Plugin, flag: bool) -> None:
    """Do the same in the other world."""
    assert_type(await plugin.ado("你好", endpoint="shop"), Response)
    assert_type(await plugin.ado(query="你好", endpoint="shop", stream=True), AsyncStream)
    assert_type(await plugin.ado("你好", endpoint="shop", stream=flag), Response | AsyncStream)
    await plugin.ado(query={"a": "b"}, endpoint="shop")  # type: ignore[call-overload]


async def rankings(reranker: Reranker) -> None:
    """Rank documents."""
    assert_type(reranker.do("q", ["a", "b"]), Response)
    assert_type(reranker.do(model="m", query="q", documents=("a",), top_n=1, user_id=None), Response)
    assert_type(await reranker.ado("q", ["a"], 1), Response)
    reranker.do("q", [1])  # type: ignore[list-item]
    reranker.do(query={"a": "b"}, documents=["a"])  # type: ignore[arg-type]
    reranker.do("q", ["a"], stream=True)  # type: ignore[call-arg]
    reranker.do("q")  # type: ignore[call-arg]


async def images(maker: Text2Image, reader: Image2Text, file: Path, flag: bool) -> None:
    """Make images, and have them told."""
    assert_type(maker.do("猫", size="768x768", n=2, seed=1, cfg_scale=5.5), Response)
    assert_type((await maker.ado("猫", style="Base")).images, list[bytes])
    assert_type(reader.do("?", b"bytes"), Response)
    assert_type(reader.do("?", file, stream=True), Stream)
    assert_type(reader.do(prompt="?", image="aGk=", stream=flag), Response | Stream)
    assert_type(await reader.ado("?", b"bytes"), Response)
    assert_type(await reader.ado("?", b"bytes", stream=True), AsyncStream)
    assert_type(await reader.ado("?", b"bytes", stream=flag), Response | AsyncStream)
    maker.do("猫", stream=True)  # type: ignore[call-arg]
    maker.do("猫", n="2")  # type: ignore[arg-type]
    reader.do("?")  # type: ignore[call-overload]
    reader.do("?", 7)  # type: ignore[call-overload]


async def counts(tokenizer: Tokenizer) -> None:
    """Count tokens."""
    assert_type(Tokenizer(), Tokenizer)
    assert_type(Tokenizer(ak="a", sk="s").count_tokens("你好"), int)
    assert_type(tokenizer.count_tokens(text="你好", mode="remote", model="ERNIE-Bot"), int)
    assert_type(await tokenizer.acount_tokens("你好", "local"), int)
    tokenizer.count_tokens("你好", mode="best")  # type: ignore[arg-type]
    Tokenizer("ERNIE-Bot")  # type: ignore[call-arg]


async def every_kind(client: Qianfan) -> None:
    """Use every resource of a client, and ask each what it knows."""
    assert_type(client.completions.do("你好", stream=True), Stream)
    assert_type(client.embeddings.do(["a"]), Response)
    assert_type(client.plugin.do("你好", endpoint="shop"), Response)
    assert_type(client.rerank.do("q", ["a"]), Response)
    assert_type(client.images.do("猫"), Response)
    assert_type(client.image2text.do("?", b"bytes"), Response)
    assert_type(client.tokenizer.count_tokens("你好"), int)
    assert_type(Embedding.models(), set[str])
    assert_type(Embedding.get_model_info("tao-8k"), Model)
    assert_type(Embedding.get_model_info("tao-8k").max_texts, int | None)
    assert_type(Embedding(query_per_second=5).access_token(), str)
    assert_type(await client.embeddings.aaccess_token(), str)


def parts_that_failed(emb: Embedding, response: Response) -> None:
    """Read what an error and a reply tell of parts and limits."""
    assert_type(response.rate_limit, RateLimits)
    assert_type(response.rate_limit.remaining_tokens, int | None)
    assert_type(response.images, list[bytes])
    try:
        emb.do(["a"] * 40)
    except errors.QianfanError as error:
        assert_type(error.inputs, range | None)
        assert_type(error.rate_limit, RateLimits)


def tuning(client: Qianfan) -> None:
    """Make console calls, on the class and on a client; what a call takes is known."""
    assert_type(FineTune.create_task(name="demo", description=None), Response)
    assert_type(client.finetune.create_task("demo", ak="a", sk="s", retry_count=2, validate=False), Response)
    assert_type(client.finetune.create_job({"taskId": 1}, extra={"newest": 1}, headers={"X": "y"}), Job)
    assert_type(FineTune.get_job(1, "task-x"), Job)
    assert_type(FineTune.stop_job(task_id=1, job_id=2, request_timeout=1.5), Response)
    assert_type(client.model.publish(is_new=True, version_meta={"taskId": 1, "iterationId": 2}), Response)
    assert_type(qianfan.Model.list(model_id=5862).result.modelName, Any)
    assert_type(qianfan.Service.create(1, 2, "svc", "shop", 1, 2), Response)
    assert_type(client.finetune.v2.create_job("demo", "m", "SFT"), Response)
    assert_type(FineTune.V2.get_task("task-x"), Response)
    assert_type(client.model.evaluation.create(extra={"name": "e"}), Response)
    FineTune.create_task()  # type: ignore[call-arg]
    FineTune.create_task(5)  # type: ignore[arg-type]
    FineTune.create_task("demo", nmae="x")  # type: ignore[call-arg]
    FineTune.create_task("demo", retry_count="2")  # type: ignore[arg-type]
    client.finetune.create_job("job")  # type: ignore[arg-type]
    client.model.publish(True)  # type: ignore[call-arg]


async def async_tuning(client: Qianfan) -> None:
    """Find the same in the other world."""
    assert_type(await FineTune.acreate_task("demo"), Response)
    assert_type(await client.finetune.acreate_job({"taskId": 1}), Job)
    assert_type(await (await client.finetune.aget_job(1, 2)).await_(60, on_progress=tell), Job)
    await FineTune.acreate_task("demo", nmae="x")  # type: ignore[call-arg]


async def tell(job: Job) -> None:
    """Tell how a job stands."""
    assert_type(job.status, str | None)
    assert_type(job.progress, int)


def waiting(job: Job) -> None:
    """Wait for a job, and read what its errors carry."""
    assert_type(job.wait(), Job)
    assert_type(job.wait(60, lambda seen: str(seen.progress)), Job)
    job.wait("60")  # type: ignore[arg-type]
    job.wait(on_progress=5)  # type: ignore[arg-type]
    try:
        job.wait(timeout=1.5)
    except errors.JobTimeoutError as error:
        assert_type(error.job, Any)


async def bearer() -> str:
    """Give a bearer."""
    return "b"


def clients_of_v2() -> None:
    """Make a client for every credential; a misspelt one, or one of another type, is an error."""
    assert_type(Qianfan(api_key="bce-v3/x", app_id="app-x", version=2).version, int)
    Qianfan(access_key="a", secret_key="s", iam_base_url="http://host", version="2")
    Qianfan(token_provider=lambda: "b")
    Qianfan(token_provider=bearer)
    assert_type(Qianfan().with_options(timeout=7, max_retries=0, backoff_factor=0), Qianfan)
    Qianfan(api_keys="x")  # type: ignore[call-arg]
    Qianfan(token_provider="b")  # type: ignore[arg-type]
    Qianfan(token_provider=lambda: 7)  # type: ignore[arg-type, return-value]
    Qianfan().with_options(retries=7)  # type: ignore[call-arg]


def created(client: Qianfan, flag: bool) -> None:
    """Ask in openai's form: `stream` decides what comes back, and None is False."""
    create = client.chat.completions.create
    assert_type(create(messages=MESSAGES), Response)
    assert_type(create(model="m", messages=MESSAGES, stream=None, max_tokens=9, timeout=7), Response)
    assert_type(create(messages=MESSAGES, stream=True, stream_options={"include_usage": False}), Stream)
    assert_type(create(messages=MESSAGES, stream=flag, extra_body={"a": 1}), Response | Stream)
    create(MESSAGES)  # type: ignore[call-overload]
    create(messages=MESSAGES, max_token=9)  # type: ignore[call-overload]


async def created_later(client: Qianfan, flag: bool) -> None:
    """Ask in openai's form, in the other world."""
    create = client.chat.completions.acreate
    assert_type(await create(messages=MESSAGES), Response)
    assert_type(await create(messages=MESSAGES, stream=True), AsyncStream)
    assert_type(await create(messages=MESSAGES, stream=flag), Response | AsyncStream)


def choices(response: Response) -> None:
    """Read the answers, which are typed and dicts still."""
    choice = response.choices[0]
    assert_type(choice, Choice)
    assert_type(choice.index, int)
    assert_type(choice.finish_reason, str | None)
    assert_type(choice.message, Message)
    assert_type(choice.delta.content, str | None)
    assert_type(choice.message.role, str)
    assert_type(choice.message.reasoning_content, str | None)
    assert_type(response.reasoning_content, str | None)
    for call in choice.message.tool_calls or ():
        assert_type(call, ToolCall)
        assert_type(call.id + call.name + call.arguments, str)
    assert_type(choice.message["content"], Any)
    assert_type(choice.message.model_dump(exclude_none=True), dict[str, Any])
    assert_type(response.model_dump(), dict[str, Any])


async def models(client: Qianfan) -> None:
    """List the models."""
    assert_type(client.models.list(), ModelList)
    assert_type(await client.models.alist(timeout=7, headers={"X-A": "b"}), ModelList)
    for model in client.models.list():
        name: str = model.id
        qianfan.errors.QianfanError(name)
    client.models.list(time_out=7)  # type: ignore[call-arg]


def tools(chat: ChatCompletion, client: Qianfan) -> None:
    """Pass tools and what they answered, in either form."""

    def weather(city: str) -> str:
        """Tell the weather."""
        return city

    message = (
        chat.do(MESSAGES, tools=[weather], tool_choice="auto", parallel_tool_calls=False).choices[0].message
    )
    chat.do(
        [*MESSAGES, message, {"role": "tool", "tool_call_id": "x", "content": "25"}],
        tools=[{"type": "function"}],
    )
    client.chat.completions.create(messages=[*MESSAGES, message], web_search={"enable": True}, seed=7)
    chat.do(MESSAGES, tools=["x"])  # type: ignore[list-item]


def conversations(chat: ChatCompletion) -> None:
    """Build a conversation and send it."""
    messages = Messages()
    messages.append("你好")
    messages.append("你好", Role.User)
    messages.append(chat.do(messages))
    messages.append(chat.do(messages, stream=True))
    assert_type(len(messages), int)
    assert_type(messages[0], dict[str, Any])
    chat.do(tuple(MESSAGES))
    chat.do(message for message in MESSAGES)


def settings() -> None:
    """Set credentials, and take them back."""
    qianfan.AK("a")
    qianfan.SK(None)
    qianfan.AccessToken("t")
    qianfan.enable_log("DEBUG")
    qianfan.disable_log()
    qianfan.AK(1)  # type: ignore[arg-type]


def failures(error: errors.QianfanError) -> None:
    """Read what an error carries."""
    assert_type(error.code, int | str | None)
    assert_type(error.message, str)
    assert_type(error.hint, str)
    assert_type(error.request_id, str | None)
    assert_type(error.status, int | None)
    assert_type(error.attempts, tuple[errors.Attempt, ...])
    assert_type(error.retryable, bool)
    if isinstance(error, errors.APIError):
        assert_type(error.error_code, int | str)
        assert_type(error.error_msg, str)
    if isinstance(error, qianfan.errors.RequestError):
        assert_type(error.status_code, int | None)
        assert_type(error.body, str)


def books(client: Qianfan, chat: ChatCompletion, error: errors.BudgetExceededError) -> None:
    """Count, and keep a budget."""
    assert_type(client.usage["ernie-4.5-turbo-128k"].total_tokens, int)
    assert_type(client.usage.sum, Used)
    with chat.client.budget(tokens=50_000, requests=None) as budget:
        assert_type(budget, Budget)
        assert_type(budget.used.tokens, int)
        assert_type(budget.remaining.requests, int | None)
    assert_type(error.limits.tokens, int | None)
    assert_type(error.call.tokens, int)
    client.budget(50_000)  # type: ignore[call-arg]  # of what?
