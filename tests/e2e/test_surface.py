"""What public code touches: the names, arguments and idioms that programs on this SDK use."""

from __future__ import annotations

import copy
import importlib
import inspect
import json
import logging
import pickle
import re

import pytest
from applications import register
from support.processes import python
from support.worlds import MESSAGES, streams, unary

import qianfan

#: The smallest of PNG files: one pixel.
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)

# Names

NAMES = [
    ("qianfan", "AK"),
    ("qianfan", "SK"),
    ("qianfan", "AccessKey"),
    ("qianfan", "SecretKey"),
    ("qianfan", "AccessToken"),
    *(
        (module, name)
        for module in ("qianfan", "qianfan.resources")
        for name in (
            "ChatCompletion",
            "Completion",
            "Embedding",
            "Plugin",
            "Reranker",
            "Text2Image",
            "Image2Text",
            "Tokenizer",
        )
    ),
    ("qianfan", "Messages"),
    ("qianfan", "QfMessages"),
    ("qianfan", "Qianfan"),
    ("qianfan", "Response"),
    ("qianfan", "QfResponse"),
    ("qianfan", "Role"),
    ("qianfan", "QfRole"),
    ("qianfan", "disable_log"),
    ("qianfan", "enable_log"),
    ("qianfan", "errors"),
    ("qianfan", "local"),
    ("qianfan", "__version__"),
    ("qianfan.version", "VERSION"),
    ("qianfan.resources.llm.chat_completion", "ChatCompletion"),
    ("qianfan.resources.llm.completion", "Completion"),
    ("qianfan.resources.llm.embedding", "Embedding"),
    ("qianfan.resources.llm.plugin", "Plugin"),
    ("qianfan.resources.tools.tokenizer", "Tokenizer"),
    ("qianfan.resources.typing", "QfResponse"),
    ("qianfan.resources.typing", "QfMessages"),
    ("qianfan.resources.typing", "QfRole"),
    ("qianfan.resources.typing", "JsonBody"),
    *(
        ("qianfan.errors", name)
        for name in (
            "QianfanError",
            "NotImplmentError",
            "APIError",
            "RequestError",
            "InvalidArgumentError",
            "ArgumentNotFoundError",
            "RequestTimeoutError",
            "AccessTokenExpiredError",
            "BearerTokenExpiredError",
            "InternalError",
            "AuthError",
            "ValidationError",
            "QianfanRequestError",
        )
    ),
]


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_name_is_where_programs_import_it_from(module, name):
    """Every name is there, in the module that programs import it from."""
    assert getattr(importlib.import_module(module), name) is not None


def test_aliases_are_the_same_things():
    """The old and the new names of a class are one class, wherever they are imported from."""
    from qianfan.resources.llm.chat_completion import ChatCompletion
    from qianfan.resources.llm.completion import Completion
    from qianfan.resources.llm.embedding import Embedding
    from qianfan.resources.llm.plugin import Plugin
    from qianfan.resources.tools.tokenizer import Tokenizer
    from qianfan.resources.typing import QfMessages, QfResponse, QfRole

    assert qianfan.ChatCompletion is qianfan.resources.ChatCompletion is ChatCompletion
    assert qianfan.Completion is qianfan.resources.Completion is Completion
    assert qianfan.Embedding is qianfan.resources.Embedding is Embedding
    assert qianfan.Plugin is qianfan.resources.Plugin is Plugin
    assert qianfan.Tokenizer is qianfan.resources.Tokenizer is Tokenizer
    assert qianfan.Messages is qianfan.QfMessages is QfMessages
    assert qianfan.Response is qianfan.QfResponse is QfResponse
    assert qianfan.Role is qianfan.QfRole is QfRole
    assert qianfan.__version__ == qianfan.version.VERSION


def test_a_plain_import_is_enough():
    """After `import qianfan` alone, its submodules are reached by their dotted names."""
    program = """
    import qianfan
    print(
        qianfan.resources.llm.chat_completion.ChatCompletion is qianfan.resources.ChatCompletion,
        qianfan.resources.llm.embedding.Embedding is qianfan.Embedding,
        qianfan.resources.tools.tokenizer.Tokenizer().count_tokens(text="你好 world", mode="local", model="ERNIE-Bot"),
        qianfan.resources.typing.QfResponse is qianfan.QfResponse,
        qianfan.version.VERSION == qianfan.__version__,
        issubclass(qianfan.errors.APIError, qianfan.errors.QianfanError),
        callable(qianfan.local.platform),
    )
    """
    assert python(program) == "True True 2 True True True True\n"


def test_star_import_brings_the_public_names():
    """`from qianfan import *` works and brings what __all__ says."""
    names: dict = {}
    exec("from qianfan import *", names)  # noqa: S102  # the statement has no other place in a function

    assert set(qianfan.__all__) <= set(names)
    assert {"ChatCompletion", "Messages", "QfRole", "AK"} <= set(names)


def test_dir_lists_what_can_be_had():
    """dir() names the public names before their first use, and a wrong name is an AttributeError."""
    assert set(qianfan.__all__) <= set(dir(qianfan))
    with pytest.raises(AttributeError, match="ChatCompletions"):
        qianfan.ChatCompletions  # noqa: B018  # the access is the test
    with pytest.raises(AttributeError, match="Dataset"):
        qianfan.resources.Dataset  # noqa: B018  # the access is the test


def test_the_version_is_one():
    """The version has three numbers, and the installed package's metadata says the same."""
    from importlib.metadata import version

    assert re.match(r"\d+\.\d+\.\d+", qianfan.__version__)
    assert version("qianfan") == qianfan.__version__


# Constructor


@pytest.mark.parametrize(
    "arguments",
    [
        {"model": None},
        {"model": "", "endpoint": ""},
        {"endpoint": None},
        {"model": None, "endpoint": None, "stream": True},
        {"stream": False},
        {"query_per_second": 10},
        {"query_per_second": 0.5},
        {"query_per_second": None},
        {"access_token": ""},
        {"access_token": None},
        {"access_key": "ALTAKabcdefghijklmnopqrst", "secret_key": "s" * 32, "version": 1},
        {"version": "1", "api_key": None, "token_provider": None, "app_id": "app-x"},
        {"access_key": "", "secret_key": ""},
        {"request_timeout": 60},
        {"request_timeout": 60.5},
        {"request_timeout": None},
        {"retry_count": 1, "backoff_factor": 0},
    ],
    ids=repr,
)
def test_the_constructor_takes(world, platform, arguments):
    """The constructor takes what programs give it; None and "" were not given."""
    application = register(platform)
    chat = qianfan.ChatCompletion(ak=application.ak, sk=application.sk, base_url=platform.url, **arguments)

    assert world.ask(chat).text
    assert platform.calls("chat").last.endpoint == "eb-instant"


def test_the_constructor_takes_model_and_endpoint_by_position(world, platform):
    """Model comes first, endpoint second."""
    application = register(platform)
    platform.add_endpoint("mine")
    keys = {"ak": application.ak, "sk": application.sk, "base_url": platform.url}
    world.ask(qianfan.ChatCompletion("ERNIE-Bot", **keys))
    world.ask(qianfan.ChatCompletion(None, "mine", **keys))

    assert [call.endpoint for call in platform.calls("chat")] == ["completions", "mine"]


def test_a_misspelt_argument_is_named():
    """An argument the constructor does not know is named in the error, with those it knows."""
    with pytest.raises(TypeError, match=r"acess_token.*access_token"):
        qianfan.ChatCompletion(acess_token="x")


# do and ado


@unary
def test_do_takes_its_first_arguments_by_position(world, platform, chat):
    """Messages, model, endpoint and stream come in this order."""
    platform.add_endpoint("mine")
    call = (lambda *given: world.run(chat.ado(*given))) if world.is_async else chat.do
    call(MESSAGES, "ERNIE-Bot")
    call(MESSAGES, None, "mine")
    stream = call(MESSAGES, None, None, True)
    text = world.run(stream.acollect()) if world.is_async else stream.collect()

    assert [seen.endpoint for seen in platform.calls("chat")] == ["completions", "mine", "eb-instant"]
    assert text["result"]


@pytest.mark.parametrize(
    "options",
    [
        {"retry_count": 0},
        {"retry_count": 1},
        {"request_timeout": 5},
        {"request_timeout": 5.5},
        {"backoff_factor": 0},
        {"stop": None},
        {"model": None, "endpoint": None},
        {"functions": None, "system": None, "user_id": None},
    ],
    ids=repr,
)
def test_do_takes(world, chat, options):
    """Calls take the options that programs give, int or float, and None for not given."""
    assert world.ask(chat, **options).text


def test_do_and_ado_have_one_signature():
    """Both do and ado take the same arguments, in the same order, with the same defaults."""
    do, ado = (inspect.signature(way) for way in (qianfan.ChatCompletion.do, qianfan.ChatCompletion.ado))

    assert do.parameters == ado.parameters
    assert list(do.parameters)[1:5] == ["messages", "model", "endpoint", "stream"]


def test_do_takes_plain_variables_for_stream(chat):
    """`stream=` may be any truth value that a program has at hand."""
    assert {type(chat.do(MESSAGES, stream=wanted)).__name__ for wanted in (False, 0)} == {"Response"}
    assert {type(chat.do(MESSAGES, stream=wanted)).__name__ for wanted in (True, 1)} == {"Stream"}


def test_lower_case_names(world, platform, chat):
    """Model names are known in any case, in the older and the later spelling."""
    for model in ("ernie-bot", "ERNIE-BOT", "llama-2-7B-Chat", "llama-2-7b-chat"):
        assert world.ask(chat, model=model).text

    endpoints = [call.endpoint for call in platform.calls("chat")]
    assert endpoints == ["completions", "completions", "llama_2_7b", "llama_2_7b"]


def test_models_on_class_and_instance(chat):
    """models() is a set of names, of the class and of an object alike."""
    models = qianfan.ChatCompletion.models()

    assert isinstance(models, set)
    assert "ERNIE-Bot-turbo" in models
    assert models == chat.models()


def test_access_token(platform, make):
    """access_token() gives the token of the moment, and the ready-made one as it is."""
    application = register(platform)
    chat = qianfan.ChatCompletion(ak=application.ak, sk=application.sk, base_url=platform.url)
    token = chat.access_token()

    assert token.startswith("24.")
    assert chat.access_token() == token
    assert len(platform.calls("token")) == 1
    assert make(platform, access_token=token).chat.access_token() == token


# Replies


@pytest.fixture
def replies(world, chat):
    """A reply of each way of calling: the whole one, or each event of a stream."""
    if not world.streams:
        return [world.ask(chat, model="ERNIE-Bot").reply]
    stream = world.open(chat, model="ERNIE-Bot").stream

    async def read():
        return [event async for event in stream]

    return world.run(read()) if world.is_async else list(stream)


def test_the_idioms_of_reading_a_reply(replies):
    """Every way in which programs read a reply, or an event of a stream, gives the same."""
    for r in replies:
        assert isinstance(r, qianfan.QfResponse)
        assert r["result"] == r["body"]["result"] == r.body["result"] == r.get("result") == r.result
        assert r["id"].startswith("as-")
        assert r["object"] == "chat.completion"
        assert r["usage"]["total_tokens"] == r.usage.total_tokens == r.usage["total_tokens"] > 0
        assert r.code == r["code"] == r.get("code") == 200
        assert r.headers == r["headers"]
        assert r.get("body") is r.body
        assert r.get("body", {}).get("result") == r["result"]
        assert r.get("no such", "default") == "default"
        assert r.get("no such") is None
        assert "result" in r
        assert "no such" not in r
        assert bool(r) is True
        assert len(r) == len(r.body) == len(list(r))
        assert {**r} == dict(r) == r.body
        assert set(r.keys()) == set(r.body)
        assert dict(r.items()) == r.body
        assert list(r.values()) == list(r.body.values())
        assert json.loads(json.dumps(r.body)) == json.loads(json.dumps(dict(r))) == r.body
        assert repr(r) == str(r)


def test_what_a_reply_does_not_have(replies):
    """A key that is not there is a KeyError, an attribute that is not there an AttributeError."""
    for r in replies:
        with pytest.raises(KeyError):
            r["no such"]
        with pytest.raises(AttributeError, match="no_such"):
            r.no_such  # noqa: B018  # the access is the test
        assert getattr(r, "no_such", None) is None
        assert not hasattr(r, "function_call")


def pickled(thing):
    """Return a thing after it was pickled."""
    return pickle.loads(pickle.dumps(thing))  # noqa: S301  # the test's own


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_replies_are_copied_and_pickled(replies, again):
    """A copied or pickled reply is the same, and one that was changed changes no other."""
    for r in replies:
        other = again(r)

        assert other == r
        assert (other.code, other.headers, other.body) == (r.code, r.headers, r.body)
        assert other["result"] == r["result"]


def test_a_deep_copy_is_a_reply_of_its_own(chat):
    """What is changed in a deep copy stays there."""
    r = chat.do(MESSAGES)
    other = copy.deepcopy(r)
    other.body["result"] = "changed"

    assert r["result"] != "changed"


def test_a_body_may_be_written_to(chat):
    """Programs that fill in a field of the body find it in the reply."""
    r = chat.do(MESSAGES)
    r.body["result"] = "masked"

    assert r["result"] == "masked"


def test_headers_read_alike_in_both_worlds(platform, make):
    """The headers of a reply are spelled the same, sync and async, and known by their usual names."""
    import asyncio

    client = make(platform)

    async def ask():
        reply = await client.chat.ado(MESSAGES)
        await client.aclose()
        return reply

    whole = client.chat.do(MESSAGES)
    for reply in (whole, asyncio.run(ask())):
        assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
        assert reply.headers.get("Date")


def test_a_function_call_reads_both_ways(chat):
    """A function call reads as a mapping and by attribute."""
    function = {
        "name": "get_time",
        "description": "查询时间",
        "parameters": {"type": "object", "properties": {}},
    }
    question = [{"role": "user", "content": "几点了，查询时间"}]
    r = chat.do(question, model="ERNIE-Bot", functions=[function])

    assert r["function_call"]["name"] == r.function_call.name == r.body["function_call"]["name"] == "get_time"
    assert json.loads(r["function_call"]["arguments"]) == {}
    assert dict(r["function_call"]).keys() == {"name", "thoughts", "arguments"}


# Shapes of programs that are out there


def test_a_framework_takes_a_reply_apart(world, chat):
    """The way chat frameworks turn a reply into their own message."""
    r = world.ask(chat, model="ERNIE-Bot", penalty_score=1.1, request_timeout=30).reply
    content = r.get("result", "") or ""
    extra = {**r.get("body", {})}
    extra.setdefault("function_call", dict(r.get("function_call") or {}))
    usage = r.get("usage") or r.get("body", {}).get("usage", {})

    assert content == extra["result"]
    assert (extra["id"][:3], extra["object"], extra["finish_reason"]) == ("as-", "chat.completion", "normal")
    assert usage["prompt_tokens"] + usage["completion_tokens"] == usage["total_tokens"]


def test_an_agent_collects_an_async_stream(make, platform):
    """The way agents collect text and usage from an async stream's bodies."""
    import asyncio

    client = make(platform)

    async def collect():
        pieces, usage = [], {}
        arguments = {"messages": MESSAGES, "stream": True, "temperature": 0.3}
        async for chunk in await client.chat.ado(**arguments, model="ernie-bot-turbo"):
            pieces.append(chunk.body.get("result", ""))
            if chunk.body["is_end"]:
                usage = chunk.body["usage"]
        await client.aclose()
        return "".join(pieces), usage

    text, usage = asyncio.run(collect())

    assert text.startswith("【本地平台】")
    assert usage["total_tokens"] > 2


def test_a_program_catches_what_it_always_caught(world, chat):
    """Errors are caught as APIError, with error_code and error_msg, and as QianfanError."""
    error = world.ask(chat, temperature=9).error

    assert isinstance(error, qianfan.errors.APIError)
    assert isinstance(error, qianfan.errors.QianfanError)
    assert (error.error_code, "temperature" in error.error_msg) == (336003, True)


def test_old_error_classes_can_be_made_by_hand():
    """Programs raise these errors in their own tests, with code and words by position."""
    error = qianfan.errors.APIError(336003, "bad", "as-1")

    assert (error.error_code, error.error_msg, error.req_id) == (336003, "bad", "as-1")
    assert pickled(error).error_code == 336003
    assert str(qianfan.errors.RequestError("gone")) == "gone"
    assert str(qianfan.errors.RequestTimeoutError("slow")) == "slow"


def test_objects_are_pickled(world, platform):
    """A ChatCompletion and a conversation are pickled and serve on."""
    application = register(platform)
    chat = qianfan.ChatCompletion("ERNIE-Bot", ak=application.ak, sk=application.sk, base_url=platform.url)
    msgs = qianfan.Messages()
    msgs.append("我叫小明")
    msgs.append(world.ask(chat, msgs).reply)
    chat, msgs = pickled((chat, copy.deepcopy(msgs)))
    msgs.append("我叫什么名字？")

    assert "小明" in world.ask(chat, msgs).text
    assert platform.calls("chat").last.model == "ERNIE-Bot"


# Environment and setters


def test_the_environment_may_be_set_after_the_import(world, platform, monkeypatch):
    """Keys and even the address that are set after the import are used by objects made after that."""
    application = register(platform)
    with pytest.raises(qianfan.errors.InvalidArgumentError):
        qianfan.ChatCompletion()
    monkeypatch.setenv("QIANFAN_AK", application.ak)
    monkeypatch.setenv("QIANFAN_SK", application.sk)
    monkeypatch.setenv("QIANFAN_BASE_URL", platform.url + "/")

    assert world.ask(qianfan.ChatCompletion()).text


def test_an_access_token_by_environment_and_setter(world, platform, make, monkeypatch):
    """A ready-made token is taken from the environment, and from AccessToken() before it."""
    token = make(platform).access_token()
    monkeypatch.setenv("QIANFAN_BASE_URL", platform.url)
    monkeypatch.setenv("QIANFAN_ACCESS_TOKEN", token)
    assert world.ask(qianfan.ChatCompletion()).text

    qianfan.AccessToken("24.not-a-token")
    assert world.ask(qianfan.ChatCompletion()).error.error_code == 110
    qianfan.AccessToken(None)
    assert world.ask(qianfan.ChatCompletion()).text


@pytest.mark.parametrize("empty", ["", "none", "None"])
def test_an_empty_variable_is_as_good_as_none(monkeypatch, empty):
    """Variables that are empty or say `none` were not set."""
    monkeypatch.setenv("QIANFAN_AK", empty)
    monkeypatch.setenv("QIANFAN_SK", empty)

    with pytest.raises(qianfan.errors.InvalidArgumentError, match="no credential"):
        qianfan.ChatCompletion()


def test_iam_keys_alone_lead_to_v2(world, platform, monkeypatch):
    """With nothing but IAM keys set, chat goes over v2, with a bearer exchanged for them."""
    for name, value in platform.environment.items():
        if name.endswith("BASE_URL"):
            monkeypatch.setenv(name, value)
    qianfan.AccessKey(platform.access_key)
    qianfan.SecretKey(platform.secret_key)

    assert world.ask(qianfan.ChatCompletion()).text
    assert platform.calls("chat").last.path == "/v2/chat/completions"


def test_setters_may_be_given_twice_and_taken_back(platform):
    """The last word of a setter counts, and None takes it back."""
    application = register(platform)
    qianfan.AK("wrong")
    qianfan.AK(application.ak)
    qianfan.SK(application.sk)
    assert qianfan.ChatCompletion(base_url=platform.url).do(MESSAGES)["result"]

    qianfan.AK(None)
    with pytest.raises(qianfan.errors.InvalidArgumentError, match="ak"):
        qianfan.ChatCompletion()


def test_the_environment_sets_the_retries(world, start, monkeypatch):
    """The official names of the retry settings are read where they have a meaning here."""
    platform = start(rpm=1, clock=qianfan.local.Clock(lambda: 1_700_000_000.0))
    application = register(platform)
    for name, value in {
        "QIANFAN_AK": application.ak,
        "QIANFAN_SK": application.sk,
        "QIANFAN_BASE_URL": platform.url,
        "QIANFAN_LLM_API_RETRY_COUNT": "2",
        "QIANFAN_LLM_API_RETRY_BACKOFF_FACTOR": "0",
    }.items():
        monkeypatch.setenv(name, value)
    chat = qianfan.ChatCompletion()
    world.ask(chat)

    assert len(world.ask(chat).error.attempts) == 2


# Log


@pytest.fixture
def log():
    """The package's logger, as it was before the test."""
    logger = logging.getLogger("qianfan")
    level, handlers = logger.level, list(logger.handlers)
    yield logger
    qianfan.disable_log()
    logger.setLevel(level)
    assert logger.handlers == handlers


@pytest.mark.parametrize("level", [logging.INFO, "INFO", logging.DEBUG, "DEBUG"])
def test_the_log_is_enabled_by_level_or_name(log, capsys, level):
    """enable_log takes a level or its name, and disable_log ends it."""
    qianfan.enable_log(level)
    qianfan.enable_log(level)
    log.info("a line")
    qianfan.disable_log()
    log.info("another line")

    assert capsys.readouterr().err.count("a line") == 1


def test_the_log_is_enabled_without_a_word(log):
    """enable_log() and disable_log() need no argument."""
    qianfan.enable_log()
    assert log.isEnabledFor(logging.WARNING)
    qianfan.disable_log()
    assert not log.isEnabledFor(logging.WARNING)


@pytest.mark.usefixtures("log")
def test_a_retry_is_one_line_of_the_log(start, make, capsys):
    """At INFO each retry is one line, which says why and when, without a secret."""
    platform = start(rpm=1, clock=qianfan.local.Clock(lambda: 1_700_000_000.0))
    application = register(platform)
    chat = make(platform, ak=application.ak, sk=application.sk).chat
    chat.do(MESSAGES)
    qianfan.enable_log("INFO")
    with pytest.raises(qianfan.errors.RateLimitError):
        chat.do(MESSAGES)
    lines = capsys.readouterr().err.splitlines()

    assert len(lines) == 2
    assert all("336501" in line and application.sk not in line for line in lines)


@pytest.mark.usefixtures("log")
def test_an_attempt_is_one_line_of_the_log(chat, capsys):
    """At DEBUG each attempt is one line, without a secret."""
    qianfan.enable_log("DEBUG")
    chat.do(MESSAGES)
    written = capsys.readouterr().err

    assert "eb-instant" in written
    assert "24." not in written


# The other kinds of calls

MESSAGE = {"role": "user", "content": "画图"}

#: Each class: its first arguments by position, the others, and the route and endpoint that they lead to.
KINDS = {
    "ChatCompletion": (([MESSAGE],), {}, "chat", "eb-instant"),
    "Completion": (("你好",), {}, "chat", "eb-instant"),
    "Embedding": ((["你好"],), {}, "embedding", "embedding-v1"),
    "Plugin": (("画图", "EBPlugin"), {"plugins": ["eChart"]}, "erniebot", "plugins"),
    "Reranker": (("山", ["水", "山"]), {}, "reranker", "bce_reranker_base"),
    "Text2Image": (("猫",), {"size": "768x768"}, "text2image", "sd_xl"),
    "Image2Text": (("?", PICTURE), {}, "image2text", "fuyu_8b"),
}

#: The classes whose replies come in events too.
STREAMING = ["ChatCompletion", "Completion", "Plugin", "Image2Text"]

kinds = pytest.mark.parametrize("name", KINDS)


@pytest.fixture
def make_object(platform):
    """Make objects of the classic classes, with keys of their own."""

    def make_object(name, *arguments, **settings):
        application = register(platform)
        keys = {"ak": application.ak, "sk": application.sk, "base_url": platform.url}
        return getattr(qianfan, name)(*arguments, **{**keys, **settings})

    return make_object


def last(platform):
    """Return the route and the endpoint of the last call that is none for a token."""
    call = [call for call in platform.calls() if call.route != "token"][-1]
    return call.route, call.endpoint


@unary
@kinds
def test_the_first_arguments_of_each_class_by_position(world, platform, make_object, name):
    """What is asked comes first, by position, and the default model answers."""
    first, others, *where = KINDS[name]
    reply = world.call(make_object(name), "do", *first, **others)

    assert (reply.code, type(reply)) == (200, qianfan.QfResponse)
    assert last(platform) == tuple(where)


@unary
@kinds
def test_each_class_takes_none_for_not_given(world, platform, make_object, name):
    """`model=None, endpoint=None, stop=None` and the like were not given, in the call and the constructor."""
    first, others, *where = KINDS[name]
    nothing = {"endpoint": None, "user_id": None, "stop": None, "request_timeout": None, "retry_count": None}
    if name != "Plugin":  # which has named its model by position
        nothing["model"] = None
    thing = make_object(name, None, None, stream=True, query_per_second=None, access_token="")
    world.call(thing, "do", *first, **others, **nothing)

    assert last(platform) == tuple(where)
    assert not {"stop", "user_id", "stream"} & set(platform.calls()[-1].body)


@unary
@kinds
def test_each_class_takes_options_of_any_number(world, make_object, name):
    """`retry_count` may be 0, `request_timeout` int or float, in the call and in the constructor."""
    first, others, *_ = KINDS[name]
    for options in ({"retry_count": 0, "request_timeout": 5}, {"request_timeout": 5.5, "backoff_factor": 0}):
        assert world.call(make_object(name), "do", *first, **others, **options).code == 200
        assert world.call(make_object(name, **options), "do", *first, **others).code == 200


@unary
@pytest.mark.parametrize(
    ("name", "model", "endpoint"),
    [
        ("Completion", "ERNIE-Bot", "completions"),
        ("Completion", "ernie-bot", "completions"),
        ("Completion", "sqlcoder-7b", "sqlcoder_7b"),
        ("Embedding", "embedding-v1", "embedding-v1"),
        ("Embedding", "BGE-LARGE-ZH", "bge_large_zh"),
        ("Plugin", "ebpluginv2", "plugin"),
        ("Reranker", "BCE-reranker-base_v1", "bce_reranker_base"),
        ("Text2Image", "stable-diffusion-xl", "sd_xl"),
        ("Image2Text", "fuyu-8b", "fuyu_8b"),
    ],
)
def test_models_of_each_class_in_any_case(world, platform, make_object, name, model, endpoint):
    """A model is named in the constructor, by keyword, in any case; the reply is the same."""
    first, others, *_ = KINDS[name]
    first = first[:1] if name == "Plugin" else first
    world.call(make_object(name, model), "do", *first, **others)
    world.call(make_object(name, model=model), "do", *first, **others)
    world.call(make_object(name), "do", *first, **others, model=model)

    calls = [call for call in platform.calls() if call.route != "token"]
    assert [call.endpoint for call in calls] == [endpoint] * 3


@pytest.mark.parametrize(
    ("name", "asked"),
    [("Completion", "你好"), ("Embedding", ["你好"]), ("Plugin", "你好"), ("Text2Image", "猫")],
)
def test_the_endpoint_of_each_class_by_position(platform, make_object, name, asked):
    """Model comes second and endpoint third in a call, first and second in the constructor."""
    kind = {"Text2Image": "text2image"}.get(name, name.lower())
    platform.add_endpoint("mine", kind)
    make_object(name).do(asked, None, "mine")
    make_object(name, None, "mine").do(asked)
    make_object(name, endpoint="mine").do(asked)

    calls = [call for call in platform.calls() if call.route != "token"]
    assert [(call.route, call.endpoint) for call in calls] == [(kind, "mine")] * 3


@unary
def test_a_reranker_takes_all_by_keyword(world, make_object):
    """`do(model=, query=, documents=, top_n=)`, as retrieval libraries call it."""
    reranker = make_object("Reranker")
    reply = world.call(
        reranker, "do", model="bce-reranker-base_v1", query="山", documents=["水", "山"], top_n=1
    )

    assert [item["index"] for item in reply["results"]] == [1]
    assert reply.get("body", {}).get("results") == reply["results"]


@unary
def test_an_embedding_is_read_as_libraries_do(world, make_object):
    """`[data["embedding"] for data in resp["data"]]`, in parts of sixteen or all at once."""
    emb = make_object("Embedding", model="embedding-v1")
    texts = [f"第 {number} 段" for number in range(20)]
    at_once = [data["embedding"] for data in world.call(emb, "do", texts=texts)["data"]]
    in_parts = []
    for start in range(0, len(texts), 16):
        resp = world.call(emb, "do", texts=texts[start : start + 16])
        in_parts.extend(data["embedding"] for data in resp["data"])

    assert at_once == in_parts
    assert {type(vector) for vector in at_once} == {list}


@streams
@pytest.mark.parametrize("name", STREAMING)
def test_what_streams(world, make_object, name):
    """`stream=True` gives replies one by one, each a QfResponse with the increment in `result`."""
    first, others, *_ = KINDS[name]
    question, *rest = first
    names = {"Plugin": ["model"], "Image2Text": ["image"]}.get(name, [])
    found = world.open(make_object(name), question, **dict(zip(names, rest, strict=True)), **others).all()

    assert {type(event) for event in found} == {qianfan.QfResponse}
    assert "".join(event.get("result", "") for event in found)
    assert found[-1]["is_end"] is True


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("ChatCompletion.do", "messages model endpoint stream"),
        ("Completion.do", "prompt model endpoint stream"),
        ("Embedding.do", "texts model endpoint stream"),
        ("Plugin.do", "prompt model endpoint stream"),
        ("Reranker.do", "query documents top_n model endpoint"),
        ("Text2Image.do", "prompt model endpoint"),
        ("Image2Text.do", "prompt image model endpoint stream"),
        ("Tokenizer.count_tokens", "text mode model"),
    ],
)
def test_the_order_of_arguments_is_a_promise(name, parameters):
    """The arguments that may be given by position are these, in this order, in both worlds."""
    cls, method = name.split(".")
    for way in (method, f"a{method}"):
        found = inspect.signature(getattr(getattr(qianfan, cls), way)).parameters.values()
        positional = [it.name for it in found if it.kind is it.POSITIONAL_OR_KEYWORD]
        assert positional == ["self", *parameters.split()]


@kinds
def test_what_each_class_tells_of_itself(make_object, name):
    """models(), get_model_info() and access_token() are there, on the class or the object."""
    thing = make_object(name)
    models = thing.models()

    assert models == getattr(qianfan, name).models()
    assert all(thing.get_model_info(model.lower()).name == model for model in models)
    assert thing.access_token().startswith("24.")


@kinds
@pytest.mark.parametrize("again", [pickled, copy.copy, copy.deepcopy])
def test_objects_of_each_class_are_copied_and_pickled(platform, make_object, name, again):
    """A copied or pickled object serves on, with the model and the keys it was made with."""
    first, others, *where = KINDS[name]
    thing = again(make_object(name))

    assert thing.do(*first, **others).code == 200
    assert last(platform) == tuple(where)
    assert again(make_object(name, model="x", endpoint="y"))._endpoint == "y"


@pytest.mark.parametrize("again", [pickled, copy.copy, copy.deepcopy])
def test_a_tokenizer_is_copied_and_pickled(make_object, again):
    """So does a Tokenizer, before and after it has asked the service."""
    tokenizer = make_object("Tokenizer")
    assert again(tokenizer).count_tokens("你好", "remote") == 2
    assert tokenizer.count_tokens("你好", "remote") == 2
    assert again(tokenizer).count_tokens("你好", "remote") == 2


@kinds
@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_replies_of_each_class_are_copied_and_pickled(make_object, name, again):
    """A copied or pickled reply of any class is the same."""
    first, others, *_ = KINDS[name]
    reply = make_object(name).do(*first, **others)

    assert again(reply) == reply
    assert again(reply).headers == reply.headers


def test_each_kind_on_one_client(platform):
    """A client in a `with` block has every kind, and refuses calls after it."""
    with platform.client() as client:
        resources = {
            "ChatCompletion": client.chat,
            "Completion": client.completions,
            "Embedding": client.embeddings,
            "Plugin": client.plugin,
            "Reranker": client.rerank,
            "Text2Image": client.images,
            "Image2Text": client.image2text,
        }
        for name, resource in resources.items():
            first, others, *where = KINDS[name]
            assert resource.do(*first, **others).code == 200
            assert last(platform) == tuple(where)
        assert client.tokenizer.count_tokens("你好", "remote") == 2
    for name, resource in resources.items():
        with pytest.raises(qianfan.errors.InvalidArgumentError, match="closed"):
            resource.do(*KINDS[name][0], **KINDS[name][1])

    assert len(platform.calls("token")) == 1


@pytest.mark.parametrize("name", KINDS)
def test_a_misspelt_argument_of_each_class_is_named(name):
    """An argument that the constructor does not know is named, with those it knows."""
    with pytest.raises(TypeError, match=r"acess_token.*access_token"):
        getattr(qianfan, name)(acess_token="x")


@pytest.mark.parametrize("name", KINDS)
def test_each_class_asks_for_a_credential_at_once(name):
    """Without any credential the constructor fails, before any call."""
    with pytest.raises(qianfan.errors.InvalidArgumentError, match="no credential"):
        getattr(qianfan, name)()
