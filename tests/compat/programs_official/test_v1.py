"""Programs of the official SDK on v1: every kind of service, with every kind of key it takes there."""

from __future__ import annotations

import asyncio

import pytest
from conftest import by_access_keys, by_access_token, by_application, stream

import qianfan

SUM = [{"role": "user", "content": "3 + 4 等于多少"}]


def text(replies):
    """Add up the words of some replies."""
    return "".join(reply["result"] for reply in replies)


@pytest.fixture(params=[by_application, by_access_token, by_access_keys], ids=lambda kind: kind.__name__)
def keys(request, platform, give):
    """Each kind of key in the environment."""
    give(request.param(platform))
    return request.param


@pytest.fixture
def v1(platform, give):
    """A platform, with an application's keys for it in the environment."""
    give(by_application(platform))
    return platform


def test_a_question(platform, keys, ask):
    """With each kind of key, in each way of calling, the default model answers at the first try."""
    replies = ask(qianfan.ChatCompletion(), messages=SUM)

    assert "3 + 4 = 7" in text(replies)
    [call] = platform.calls("chat")
    assert (call.status, call.version) == (200, 1)
    assert ("access_token" in call.query) == (keys is not by_access_keys)
    assert ("authorization" in call.headers) == (keys is by_access_keys)


def test_what_it_sends_of_itself(v1, ask):
    """The SDK's own field extra_parameters is ignored, and its header Request_id comes back."""
    replies = ask(qianfan.ChatCompletion(), messages=SUM, request_id="mine-0001")

    call = v1.calls("chat")[-1]
    assert call.body["extra_parameters"]["request_source"].startswith("qianfan_py_sdk_v0.4.12")
    assert call.headers["request_id"] == "mine-0001"
    sent = [{name.lower(): value for name, value in reply.headers.items()} for reply in replies]
    assert {headers["x-baidu-request-id"] for headers in sent} == {"mine-0001"}


@pytest.mark.parametrize("model", ["ERNIE-4.0-8K", "ernie-speed-128k", "Llama-2-7B-Chat", "ChatGLM2-6B-32K"])
def test_a_model(v1, ask, model):
    """Models answer by the SDK's own names, in any case."""
    assert "3 + 4 = 7" in text(ask(qianfan.ChatCompletion(model=model), messages=SUM))
    assert v1.calls("chat")[-1].status == 200


def test_every_model_it_lists(v1):
    """Every chat model in the SDK's own table answers on the platform."""
    chat = qianfan.ChatCompletion()
    models = chat.models() - {"UNSPECIFIED_MODEL"}

    assert len(models) > 50
    answers = [chat.do(SUM, model=model, extra_parameters={})["result"] for model in models]
    assert {"3 + 4 = 7" in answer for answer in answers} == {True}
    assert len(v1.calls("chat")) == len(models)


def test_a_service_of_ones_own(v1, ask):
    """A service that was deployed answers at its endpoint."""
    v1.do("add_endpoint", name="my_service")

    assert text(ask(qianfan.ChatCompletion(endpoint="my_service"), messages=SUM))
    assert v1.calls("chat")[-1].endpoint == "my_service"


def test_a_conversation(v1):
    """Messages hold a conversation that the platform answers from."""
    chat, messages = qianfan.ChatCompletion(), qianfan.Messages()
    for question in ("我叫小明", "我叫什么名字？"):
        messages.append(question)
        messages.append(chat.do(messages=messages))

    assert [len(call.body["messages"]) for call in v1.calls("chat")] == [1, 3]
    assert "小明" in v1.calls("chat")[-1].reply["result"]


def test_a_function_used(v1, ask):
    """A function that the model calls is answered for, and the model answers from it."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    functions = [{"name": "get_weather", "description": "查询一个城市的天气", "parameters": schema}]
    messages = [{"role": "user", "content": "杭州的天气怎么样"}]
    chat = qianfan.ChatCompletion(model="ERNIE-3.5-8K")
    [called] = [
        reply["function_call"]
        for reply in ask(chat, messages=messages, functions=functions)
        if "function_call" in reply
    ]
    messages.append({"role": "assistant", "content": "", "function_call": called})
    messages.append({"role": "function", "name": called["name"], "content": '{"weather": "晴"}'})
    answer = text(ask(chat, messages=messages, functions=functions))

    assert (called["name"], called["arguments"]) == ("get_weather", '{"city":"杭州"}')
    assert "晴" in answer
    assert [call.status for call in v1.calls("chat")] == [200, 200]


def test_many_at_once(v1):
    """Batches, in threads and in tasks, come back in their order."""
    chat = qianfan.ChatCompletion()
    batch = [[{"role": "user", "content": f"{number} + 1 等于多少"}] for number in range(8)]
    replies = chat.batch_do(batch, worker_num=4).results()
    later = asyncio.run(chat.abatch_do(batch, worker_num=4))

    for number, pair in enumerate(zip(replies, later)):  # noqa: B905  # the SDK's lists
        assert [f"{number} + 1 = {number + 1}" in reply["result"] for reply in pair] == [True, True]
    assert len(v1.calls("chat")) >= 16


def test_a_completion(v1, ask):
    """A prompt is written on by a chat model, and by a model of the completion kind."""
    assert "3 + 4 = 7" in text(ask(qianfan.Completion(), prompt="3 + 4 等于多少"))
    assert text(ask(qianfan.Completion(model="SQLCoder-7B"), prompt="SELECT name"))
    assert [call.route for call in v1.calls() if call.route != "token"] == ["chat", "completion"]


@pytest.mark.parametrize(("model", "size"), [("Embedding-V1", 384), ("bge-large-zh", 1024), ("tao-8k", 1024)])
def test_vectors(v1, ask_whole, model, size):
    """Texts give vectors."""
    [reply] = ask_whole(qianfan.Embedding(model=model), texts=["山"])

    assert [len(it["embedding"]) for it in reply["data"]] == [size]
    assert v1.calls("embedding")[-1].model == model


def test_a_plugin(v1, ask):
    """A plugin application answers, from what it knows."""
    v1.do("add_endpoint", name="my_plugin", kind="plugin")
    v1.do("add_knowledge", texts="退货要在七天之内申请。")
    replies = ask(qianfan.Plugin(endpoint="my_plugin"), query="退货", plugins=["uuid-zhishiku"])

    assert "七天" in text(replies)
    assert v1.calls("plugin")[-1].path.endswith("/plugin/my_plugin/")


@pytest.mark.parametrize("model", ["EBPlugin", "EBPluginV2"])
def test_plugins_of_ernie_bot(v1, ask_whole, model):
    """The plugins of ERNIE Bot answer."""
    messages = [{"role": "user", "content": "画一张图表"}]
    [reply] = ask_whole(qianfan.Plugin(model=model), query=messages, plugins=["eChart"])

    assert reply["result"]
    assert reply["plugin_info"]
    assert v1.calls("erniebot")[-1].status == 200


def test_named_events(v1):
    """The SDK's sync stream reads the names of ERNIE Bot's events; its async one cannot."""
    messages = [{"role": "user", "content": "画一张图表"}]
    replies = stream(qianfan.Plugin(model="EBPlugin"), query=messages, plugins=["eChart"])

    assert {reply["_event"] for reply in replies} == {"pluginMeta", "plugin", "chat"}
    assert v1.calls("erniebot")[-1].status == 200


def test_a_picture_and_what_it_shows(v1, ask_whole):
    """A picture is drawn for a prompt, and the platform reads in it what was asked for."""
    [drawn] = ask_whole(qianfan.Text2Image(), prompt="一只猫", size="768x768")
    image = drawn["data"][0]["b64_image"]
    [seen] = ask_whole(qianfan.Image2Text(model="Fuyu-8B"), prompt="这是什么", image=image)

    assert "一只猫" in seen["result"]
    assert [call.route for call in v1.calls() if call.route != "token"] == ["text2image", "image2text"]


def test_pictures_as_bytes(v1):
    """with_decode gives a picture's bytes."""
    drawn = qianfan.Text2Image().do(prompt="一只猫", with_decode="base64")

    assert drawn["data"][0]["image"].startswith(b"\x89PNG")
    assert v1.calls("text2image")[-1].status == 200


def test_a_ranking(v1, ask_whole):
    """Documents are ranked by a query."""
    [reply] = ask_whole(qianfan.Reranker(), query="退货", documents=["发票在订单页面", "七天内可以退货"])

    assert [it["index"] for it in reply["results"]] == [1, 0]
    assert v1.calls("reranker")[-1].status == 200


def test_tokens_counted_there(v1):
    """Tokens are counted by the platform."""
    assert qianfan.Tokenizer.count_tokens("你好 hello", mode="remote", model="ernie-4.0-8k") == 3
    assert v1.calls("tokenizer")[-1].status == 200


def test_a_refusal(v1, ask):
    """What the platform refuses is the SDK's APIError, with code and words, after one call."""
    with pytest.raises(qianfan.errors.APIError, match="temperature") as caught:
        ask(qianfan.ChatCompletion(), messages=SUM, temperature=5)

    assert caught.value.error_code == 336003
    assert len(v1.calls("chat")) == 1


def test_a_token_that_was_revoked(v1, give, ask):
    """A token that the platform does not know any more is fetched anew, once, and the call repeated."""
    give({"QIANFAN_ACCESS_TOKEN_REFRESH_MIN_INTERVAL": "0"})
    chat = qianfan.ChatCompletion()
    chat.do(messages=SUM)
    v1.do("revoke_tokens")

    assert "3 + 4 = 7" in text(ask(chat, messages=SUM))
    assert (len(v1.calls("token")), len(v1.calls("chat"))) == (2, 3)


@pytest.mark.parametrize("wrong", ["ak", "sk"])
def test_a_wrong_key(v1, wrong):
    """The SDK tells from the token service's words which of the two keys is wrong."""
    keys = {"ak": v1.ak, "sk": v1.sk, wrong: "wrong"}
    with pytest.raises(Exception, match=rf"{wrong.upper()}\(wrong\*\*\*\) is not correct"):
        qianfan.ChatCompletion(**keys).do(messages=SUM)

    assert not v1.calls("chat")


@pytest.mark.parametrize("wrong", ["access_key", "secret_key"])
def test_a_wrong_access_key(platform, wrong):
    """Access keys that the platform does not know sign nothing: 14, in the platform's words."""
    keys = {"access_key": platform.access_key, "secret_key": platform.secret_key, wrong: "wrong"}
    with pytest.raises(qianfan.errors.APIError, match="IAM Certification failed") as caught:
        qianfan.ChatCompletion(**keys).do(messages=SUM)

    assert caught.value.error_code == 14


def test_a_quota(start, give, ask):
    """Beyond the quota the SDK tries again as often as it is told, and raises the platform's code."""
    platform = start(qps=0.01)
    give(by_application(platform))
    chat = qianfan.ChatCompletion()
    ask(chat, messages=SUM)
    with pytest.raises(qianfan.errors.APIError) as caught:
        ask(chat, messages=SUM, retry_count=2)

    assert caught.value.error_code == 18
    assert len(platform.calls("chat")) == 3


def test_a_quota_that_is_announced(start, give):
    """The SDK takes over the quota that the platform's headers tell, and so never goes beyond it."""
    platform = start(rpm=600)
    give(by_application(platform))
    chat = qianfan.ChatCompletion()
    replies = [chat.do(messages=SUM) for _ in range(3)]

    headers = [{name.lower(): value for name, value in reply.headers.items()} for reply in replies]
    assert [it["x-ratelimit-remaining-requests"] for it in headers] == ["599", "598", "597"]
