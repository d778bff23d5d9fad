"""What an upstream calls the models, and what it is told of them; options that could not work."""

from __future__ import annotations

import pytest
from console_caller import Console
from local_caller import Caller, conversation
from support import replies, v2
from test_console_chat import ANSWER, QUESTION, deploy
from v2_caller import V2

import qianfan.local

ONE = "qwen3:8b"
SEVERAL = {
    "chat": "a-chat",
    "embedding": "vectors",
    "ERNIE-Bot-4": "by-name",
    "eb-instant": "by-endpoint",
    "Deepseek-R1": "by-id",
    "ernie-3.5-8k": "by-id-of-v2",
    "mine": "by-service",
    "*": "the-rest",
}


@pytest.mark.parametrize(
    ("given", "endpoint", "sent"),
    [
        (None, "completions_pro", "ernie-4.0-8k"),
        (None, "llama_2_7b", "llama_2_7b"),
        (None, "mine", "mine"),
        (ONE, "completions_pro", ONE),
        (ONE, "mine", ONE),
        (SEVERAL, "completions_pro", "by-name"),
        (SEVERAL, "eb-instant", "by-endpoint"),
        (SEVERAL, "completions", "by-id-of-v2"),
        (SEVERAL, "mine", "by-service"),
        (SEVERAL, "llama_2_7b", "a-chat"),
        ({"embedding": "vectors"}, "completions_pro", "ernie-4.0-8k"),
    ],
)
def test_names_of_v1(upstream, behind, given, endpoint, sent):
    """A model goes by its endpoint, any of its names, its kind, or the name for all; else as v2 calls it."""
    upstream.answer(v2.answered())
    caller = behind(upstream_model=given)
    caller.platform.add_endpoint("mine")

    caller.ask("你好", endpoint=endpoint)

    assert upstream.requests[-1].json["model"] == sent


@pytest.mark.parametrize(
    ("given", "model", "sent"),
    [
        (None, "deepseek-r1", "deepseek-r1"),
        (ONE, "deepseek-r1", ONE),
        (SEVERAL, "deepseek-r1", "by-id"),
        (SEVERAL, "ernie-4.0-8k", "a-chat"),
        ({"*": "the-rest"}, "ernie-4.0-8k", "the-rest"),
    ],
)
def test_names_of_v2(upstream, behind, given, model, sent):
    """A model goes by its id, its kind, or the name for all; else by the id it was called by."""
    upstream.answer(v2.answered())

    V2(behind(upstream_model=given)).post({"model": model, "messages": conversation("你好")})

    assert upstream.requests[-1].json["model"] == sent


def test_kinds_have_names_of_their_own(upstream, behind):
    """A kind's name stands for its models alone; a completion is not a chat."""
    caller = behind(upstream_model=SEVERAL)
    upstream.answer(replies.vectors(["一"]), v2.answered())

    caller.post({"input": ["一"]}, "bge_large_zh", service="embeddings")
    caller.post({"prompt": "一"}, "sqlcoder_7b", service="completions")

    assert [request.json["model"] for request in upstream.requests] == ["vectors", "the-rest"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"upstream": "127.0.0.1:11434"}, "a URL such as"),
        ({"upstream": "ftp://host/v1"}, "a URL such as"),
        ({"upstream": "http:///v1"}, "a URL such as"),
        ({"upstream": "http://me:secret-word@host/v1"}, "no login"),
        ({"upstream": "http://host/v1?key=secret-word"}, "no login"),
        ({"upstream": "http://host:99999/v1"}, "Port out of range"),
        ({"upstream": "http://host/v1", "upstream_key": "secret-word\n"}, "no blank"),
        ({"upstream": "http://host/v1", "upstream_key": "secret-word-é"}, "no blank"),
        ({"upstream": "http://host/v1", "upstream_timeout": 0}, "above 0"),
        ({"upstream": "http://host/v1", "upstream_model": ""}, "must not be empty"),
        ({"upstream": "http://host/v1", "upstream_model": {"chat": ""}}, "must not be empty"),
        ({"upstream": "http://host/v1", "upstream_model": {"": "x"}}, "must not be empty"),
    ],
)
def test_options_that_could_not_work(options, words):
    """What could not work is refused at once, and without the secret in it."""
    with pytest.raises(ValueError, match=words) as refused:
        qianfan.local.platform(**options)

    assert "secret-word" not in str(refused.value)


def test_a_slash_at_the_end_is_none(upstream, start):
    """A base URL may end with a slash."""
    upstream.answer(v2.answered())

    start(upstream=f"{upstream.url}/v1/").ask("你好")

    assert upstream.requests[-1].path == "/v1/chat/completions"


def test_a_proxy_of_the_environment_is_not_for_loopback(upstream, behind, monkeypatch):
    """A server on this machine is reached without the proxy that the environment names."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    upstream.answer(v2.answered("好"))

    assert behind().ask("你好")["result"] == "好"


def test_a_proxy_of_the_environment_is_used(upstream, start, monkeypatch):
    """A server elsewhere is asked through the proxy that the environment names."""
    monkeypatch.setenv("http_proxy", upstream.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    upstream.answer(v2.answered("好"))

    assert start(upstream="http://upstream.invalid/v1").ask("你好")["result"] == "好"
    assert upstream.requests[-1].target == "http://upstream.invalid/v1/chat/completions"


def test_a_proxy_of_another_kind_is_named(start, monkeypatch):
    """A proxy that is none of HTTP's is no secret fault."""
    monkeypatch.setenv("http_proxy", "socks5://me:secret-word@127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    words = start(upstream="http://upstream.invalid/v1").ask("你好")["error_msg"]

    assert "a proxy that is none of HTTP" in words
    assert "secret-word" not in words


def test_a_tuned_model_answers_what_it_has_learnt(upstream):
    """A question near a prompt of the training set gets its response; others the upstream's words, as the base's."""
    upstream.always(v2.answered("它的话"))
    clock = qianfan.local.Clock(lambda: 1_700_000_000.0)
    with qianfan.local.platform(upstream=f"{upstream.url}/v1", clock=clock) as platform:
        console, caller = Console(platform), Caller(platform)
        deploy(console)

        assert caller.ask(QUESTION, endpoint="mine")["result"] == ANSWER
        assert upstream.requests == []
        assert caller.ask("我想订一张去火星的船票", endpoint="mine")["result"] == "它的话"
        question = {"model": "mine", "messages": conversation(QUESTION), "stream": True}
        assert ANSWER[:6].encode() in V2(caller).post(question).data
        console.http.clear()
        caller.http.clear()
