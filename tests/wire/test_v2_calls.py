"""Calls of v2 over the wire: what goes out, what comes back, streams, failures, and services of v1."""

from __future__ import annotations

import os
import pickle

import pytest
from support import replies
from support.processes import python
from support.replies import CLOSE, RESET, STALL, Gate, page, vectors, whole
from support.v2 import (
    DONE,
    USAGE,
    answered,
    chat_body,
    choice,
    chunk,
    error_body,
    framed,
    refused,
    streamed,
    streamed_events,
    tool_call,
    usage_chunk,
)
from support.worlds import KEY, MESSAGES, crosswise, streams, unary

import qianfan
from qianfan.errors import (
    APIError,
    AuthError,
    BadRequestError,
    InternalError,
    InvalidArgumentError,
    RateLimitError,
    RequestError,
    RequestTimeoutError,
    StreamIncompleteError,
)

GREETING = "你好，很高兴见到你。"
PAIR = {"access_key": "ALTAKabcdefgh12345678", "secret_key": "s3cr3t-key"}


class TestChat:
    """A conversation, in the words of 2023 and in those of openai."""

    def test_a_question(self, world, server, make_v2):
        """The same call as in 2023 gives the same reply, whole or in events, from `/v2/chat/completions`."""
        outcome = world.ask(make_v2().chat, model="ERNIE-Bot-4", system="诗人", user_id="u", temperature=0.5)
        sent = server.requests[0]

        assert outcome.text == GREETING
        assert (sent.method, sent.path, sent.query) == ("POST", "/v2/chat/completions", {})
        assert sent.json == {
            "model": "ernie-4.0-8k",
            "messages": [{"role": "system", "content": "诗人"}, *MESSAGES],
            "user": "u",
            "temperature": 0.5,
            **({"stream": True, "stream_options": {"include_usage": True}} if world.streams else {}),
        }
        assert outcome.reply["usage"] == outcome.reply["body"]["usage"] == USAGE
        assert (
            outcome.reply.choices[0].message.content
            == outcome.reply["choices"][0]["message"]["content"]
            == GREETING
        )

    @streams
    def test_events(self, world, make_v2):
        """Every event reads under the names of v1 and of v2; the last one says why it ended, and the usage."""
        events = world.open(make_v2().chat).all()

        assert [event["result"] for event in events] == ["你好", "，很高兴", "见到你。"]
        assert [event.choices[0].delta.content for event in events] == ["你好", "，很高兴", "见到你。"]
        assert [event["is_end"] for event in events] == [False, False, True]
        assert [event["sentence_id"] for event in events] == [0, 1, 2]
        assert [event.get("usage") for event in events] == [None, None, USAGE]

    @streams
    def test_what_a_stream_collects(self, world, server, make_v2):
        """A stream collects to what the unary call returns."""
        chat = make_v2().chat
        collected = world.open(chat).collect()
        server.answer(answered(model="ernie-3.5-8k"))
        whole_reply = chat.do(MESSAGES)
        collected.body["choices"][0].pop("flag", None)

        assert collected == whole_reply

    def test_openais_form(self, world, server, make_v2):
        """`create` takes openai's names and gives the same replies."""
        completions = make_v2().chat.completions
        reply = world.call(
            completions,
            "create",
            model="deepseek-r1",
            messages=MESSAGES,
            stream=world.streams,
            max_tokens=9,
            timeout=7,
            extra_body={"new": [1]},
            extra_headers={"X-A": "b"},
            extra_query={"q": "1"},
            seed=None,
        )
        if world.streams:
            texts = [event.choices[0].delta.content for event in world_list(world, reply)]
        else:
            texts = [reply.choices[0].message.content]
        sent = server.requests[0]

        assert "".join(texts) == GREETING
        assert (sent.headers["x-a"], sent.query) == ("b", {"q": "1"})
        assert {name: sent.json[name] for name in ("model", "max_tokens", "new")} == {
            "model": "deepseek-r1",
            "max_tokens": 9,
            "new": [1],
        }
        assert not {"timeout", "extra_body", "seed"} & set(sent.json)

    def test_extra_fields(self, world, server, make_v2):
        """Fields in `extra` come before parameters, and are said in the words of v2 too."""
        extra = {"temperature": 0.1, "user_id": "u", "thinking": {"type": "enabled"}, "stop": None}
        world.ask(make_v2().chat, temperature=0.9, stop=["。"], extra=extra)
        sent = server.requests[0].json

        assert (sent["temperature"], sent["user"], sent["thinking"]) == (0.1, "u", {"type": "enabled"})
        assert "stop" not in sent
        for reserved in ({"messages": []}, {"stream": True}):
            assert type(world.ask(make_v2().chat, extra=reserved).error) is InvalidArgumentError

    def test_openais_names_on_v1(self, world, server, make):
        """The same form on v1: its names become v1's, and the reply has choices."""
        reply = world.call(
            make().chat.completions,
            "create",
            model="ERNIE-Bot",
            messages=[{"role": "system", "content": "诗人"}, *MESSAGES],
            stream=world.streams,
            max_tokens=9,
            user="u",
            tools=[{"type": "function", "function": {"name": "f"}}],
            tool_choice="auto",
        )
        events = world_list(world, reply) if world.streams else [reply]
        told = [it.choices[0].delta if world.streams else it.choices[0].message for it in events]
        sent = {name: value for name, value in server.requests[0].json.items() if name != "stream"}

        assert "".join(message.content for message in told) == GREETING
        assert events[-1].choices[0].finish_reason == "stop"
        assert sent == {
            "messages": MESSAGES,
            "system": "诗人",
            "max_output_tokens": 9,
            "user_id": "u",
            "functions": [{"name": "f"}],
        }

    @pytest.mark.parametrize(
        ("made_with", "called_with", "model"),
        [
            ({"endpoint": "my_service"}, {}, "my_service"),
            ({"model": "ERNIE-Bot"}, {"endpoint": "my_service"}, "my_service"),
            ({}, {"model": "ERNIE-Bot-4", "endpoint": "my_service"}, "my_service"),
            ({"endpoint": "my_service"}, {"model": "deepseek-v3"}, "deepseek-v3"),
            # as LangChain passes both, one of them as None
            ({}, {"model": "ERNIE-Bot", "endpoint": None}, "ernie-3.5-8k"),
            ({}, {"model": None, "endpoint": "my_service"}, "my_service"),
            ({}, {"model": None, "endpoint": None}, "ernie-lite-8k"),
        ],
        ids=str,
    )
    def test_endpoints(self, world, server, network, made_with, called_with, model):
        """A service of one's own is the model; what the call says comes before what the object was made with."""
        chat = qianfan.ChatCompletion(api_key=KEY, base_url=server.url, **made_with, **network)
        assert world.ask(chat, stop=None, **called_with).text == GREETING
        world.close_client(chat._client)  # the classic class has no close of its own

        assert server.requests[0].json["model"] == model
        assert "stop" not in server.requests[0].json

    def test_a_tool_goes_round(self, world, server, make_v2):
        """A call of a function and its result keep the model's own id over the turns."""
        call = tool_call("as-77", "get_weather", '{"city":"北京"}')
        parts = [
            chunk(
                None,
                tool_calls=[
                    {
                        "index": 0,
                        "id": "as-77",
                        "type": "function",
                        "function": {"name": "get_weather", "arguments": ""},
                    }
                ],
            ),
            chunk(None, tool_calls=[{"index": 0, "function": {"arguments": '{"city":'}}]),
            chunk(None, tool_calls=[{"index": 0, "function": {"arguments": '"北京"}'}}]),
            chunk("", "tool_calls"),
            usage_chunk(),
            DONE,
        ]
        server.answer(
            streamed_events(*parts)
            if world.streams
            else whole(chat_body(choice(None, "tool_calls", message={"tool_calls": [call]})))
        )
        chat, messages = make_v2().chat, qianfan.Messages()
        functions = [{"name": "get_weather", "parameters": {"type": "object", "properties": {}}}]
        messages.append("北京天气？")
        reply = world.ask(chat, messages, functions=functions).reply
        messages.append(reply)
        messages.append("25℃")
        world.ask(chat, messages, functions=functions)
        first, second = (sent.json for sent in server.requests)

        assert reply["function_call"] == {
            "name": "get_weather",
            "arguments": '{"city":"北京"}',
            "id": "as-77",
        }
        assert first["tools"] == second["tools"] == [{"type": "function", "function": functions[0]}]
        assert second["messages"][1:] == [
            {"role": "assistant", "content": "", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "as-77", "name": "get_weather", "content": "25℃"},
        ]


def world_list(world, stream):
    """Return the events of a stream of either world."""
    if not world.is_async:
        return list(stream)

    async def read():
        return [event async for event in stream]

    return world.run(read())


TEXT = [chunk("你"), chunk("好", "stop")]

#: How a stream may go on after it said why the text ends: it is whole all the same.
ENDINGS = {
    "as documented": [*framed(usage_chunk(), DONE)],
    "without usage": [*framed(DONE)],
    "without [DONE]": [*framed(usage_chunk())],
    "nothing": [],
    "[DONE] in pieces": [*framed(usage_chunk()), b"data: [DO", b"NE]", b"\n\n"],
    "[DONE] cut": [*framed(usage_chunk()), b"data: [DO"],
    "[DONE] without a space": [*framed(usage_chunk()), b"data:[DONE]\n\n"],
    "[DONE] without an empty line": [*framed(usage_chunk()), b"data: [DONE]"],
    "keep-alives": [
        b": ping\n\n",
        *framed({**chunk(), "choices": []}),
        b": ping\n\n",
        *framed(usage_chunk(), DONE),
    ],
    "an empty event": [*framed(chunk("")), *framed(usage_chunk(), DONE)],
}


@streams
class TestStreams:
    """Streams that are odd, cut or broken."""

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_endings(self, world, server, make_v2, ending):
        """However a stream goes on after its reason, it is whole."""
        server.answer(replies.stream(*framed(*TEXT), *ENDINGS[ending]))
        opened = world.open(make_v2().chat)
        events = opened.all()

        assert "".join(event["result"] for event in events) == "你好"
        assert [event["is_end"] for event in events].count(True) == 1
        assert events[-1]["is_end"]
        assert opened.collect()["finish_reason"] == "stop"

    @pytest.mark.parametrize("ending", ["as documented", "without [DONE]"])
    def test_the_connection_serves_again(self, world, server, make_v2, ending):
        """A stream that was read leaves its connection for the next call."""
        chat = make_v2().chat
        server.answer(replies.stream(*framed(*TEXT), *ENDINGS[ending]))
        world.ask(chat).text  # noqa: B018  # raises what the call raised
        world.ask(chat).text  # noqa: B018  # raises what the call raised

        assert (len(server.requests), server.connections) == (2, 1)

    @pytest.mark.parametrize("end", [(CLOSE,), (RESET,)], ids=["closed", "reset"])
    @pytest.mark.parametrize("chunked", [True, False])
    def test_cut_before_the_reason(self, world, server, make_v2, end, chunked):
        """A stream that ends before it said why is incomplete, and what came is kept."""
        server.answer(replies.stream(*framed(chunk("你"), chunk("好")), *end, chunked=chunked, ended=False))
        outcome = world.ask(make_v2().chat)

        assert type(outcome.error) is StreamIncompleteError
        assert outcome.events == ["你", "好"]
        assert (outcome.error.partial["result"], outcome.error.partial["finish_reason"]) == ("你好", None)
        assert len(server.requests) == 1

    @pytest.mark.parametrize("end", [(CLOSE,), (RESET,)], ids=["closed", "reset"])
    def test_cut_after_the_reason(self, world, server, make_v2, end):
        """A connection that breaks when all that counts had come breaks nothing."""
        server.answer(replies.stream(*framed(*TEXT), *end, ended=False))

        assert world.ask(make_v2().chat).text == "你好"

    @pytest.mark.parametrize("end", [(CLOSE,), (RESET,)], ids=["closed", "reset"])
    def test_cut_before_the_first_event(self, world, server, make_v2, end):
        """What fails before the first event is tried again."""
        server.answer(replies.stream(*end, ended=False), replies.stream(b": ping\n\n", *end, ended=False))

        assert world.ask(make_v2().chat).text == GREETING
        assert len(server.requests) == 3

    @pytest.mark.parametrize("code", ["rpm_rate_limit_exceeded", "internal_error"])
    def test_an_error_as_the_first_event(self, world, server, make_v2, code):
        """An error that passes, as the first event of a stream, is tried again."""
        server.answer(streamed_events(error_body(code)))

        assert world.ask(make_v2().chat).text == GREETING

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("rpm_rate_limit_exceeded", RateLimitError),
            ("internal_error", InternalError),
            ("invalid_argument", BadRequestError),
            ("brand_new", APIError),
        ],
    )
    def test_an_error_within(self, world, server, make_v2, code, kind):
        """An error within a stream is told as itself, once, with what had come."""
        server.answer(streamed_events(chunk("你"), error_body(code, "no more")))
        outcome = world.ask(make_v2().chat)

        assert (type(outcome.error), outcome.error.code) == (kind, code)
        assert "no more" in str(outcome.error)
        assert (outcome.events, outcome.error.partial["result"]) == (["你"], "你")
        assert len(server.requests) == 1

    def test_an_event_is_seen_when_it_comes(self, world, server, make_v2):
        """An increment is handed out as soon as it is whole; only the last waits for the usage."""
        gates = [Gate(), Gate(), Gate()]
        first, second, usage, done = framed(chunk("你"), chunk("好", "stop"), usage_chunk(), DONE)
        server.answer(replies.stream(first, gates[0], second, gates[1], usage, gates[2], done))
        opened = world.open(make_v2().chat)

        assert opened.next() == "你"
        for gate in gates[:2]:
            gate.open()
        assert opened.event()["usage"] == USAGE
        with pytest.raises(StopIteration):
            opened.next()
        gates[2].open()

    def test_a_stream_that_stalls(self, world, server, make_v2):
        """A stream that says nothing more within the time of an event ends with what came."""
        server.answer(replies.stream(*framed(chunk("你")), STALL, ended=False))
        outcome = world.ask(make_v2().chat, request_timeout=0.1)

        assert type(outcome.error) is RequestTimeoutError
        assert outcome.error.partial["result"] == "你"
        world.wait_idle(server)

    def test_a_service_that_ignores_stream(self, world, server, make_v2):
        """A whole reply is the one event of the stream, and reads as an event does."""
        server.answer(answered())
        opened = world.open(make_v2().chat)
        [event] = opened.all()

        assert (event["result"], event["is_end"], event.choices[0].delta.content) == (
            GREETING,
            True,
            GREETING,
        )
        assert opened.collect().body == {
            **chat_body(),
            "result": GREETING,
            "finish_reason": "stop",
            "is_truncated": False,
            "need_clear_history": False,
        }

    def test_thoughts(self, world, server, make_v2):
        """A reasoning model's thoughts come as they are thought."""
        server.answer(
            streamed_events(
                chunk("", reasoning_content="先"),
                chunk("", reasoning_content="想"),
                chunk("好", "stop"),
                DONE,
            )
        )
        opened = world.open(make_v2().chat, model="deepseek-r1")
        events = opened.all()

        assert [event.reasoning_content for event in events] == ["先", "想", None]
        assert [event.choices[0].delta.reasoning_content for event in events] == ["先", "想", None]
        assert (opened.collect().reasoning_content, opened.collect()["result"]) == ("先想", "好")

    def test_a_client_may_be_left_early(self, world, server, make_v2):
        """Leaving a stream frees its connection at once."""
        server.answer(replies.stream(*framed(chunk("你")), STALL, ended=False))
        assert world.open(make_v2().chat).use_and_leave() == "你"

        world.wait_idle(server)


class TestFailures:
    """What a service refuses, and what it cannot do just now."""

    @crosswise
    @pytest.mark.parametrize(
        ("status", "code", "kind", "attempts"),
        [
            (400, "invalid_messages", BadRequestError, 1),
            (400, "brand_new", BadRequestError, 1),
            (401, "invalid_model", AuthError, 1),
            (403, "brand_new", AuthError, 1),
            (404, "brand_new", BadRequestError, 1),
            (429, "rpm_rate_limit_exceeded", RateLimitError, 3),
            (429, "brand_new", RateLimitError, 3),
            (500, "internal_error", InternalError, 3),
            (503, "brand_new", InternalError, 3),
        ],
    )
    def test_refusals(self, world, server, make_v2, status, code, kind, attempts):
        """Status and code decide the class and the number of attempts; the id of the request is told."""
        server.always(refused(status, code, "words", X_Baidu_Request_Id="r-7"))
        error = world.ask(make_v2().chat, model="x").error

        assert (type(error), error.code, error.status, error.request_id) == (kind, code, status, "r-7")
        assert (len(error.attempts), len(server.requests)) == (attempts, attempts)
        assert str(error).startswith(f"[{code}] words (request id r-7)")

    @crosswise
    def test_retry_after(self, world, server, make_v2):
        """A wait that the service asks for, and that the call has no time for, is not begun."""
        server.answer(refused(429, "rpm_rate_limit_exceeded", Retry_After="60"))
        error = world.ask(make_v2().chat, request_timeout=5).error
        assert (type(error), error.retry_after, len(error.attempts)) == (RateLimitError, 60, 1)

    @crosswise
    @pytest.mark.parametrize(
        "reply",
        [page(404), page(200), whole({}), whole({**chat_body(), "choices": []}), whole([])],
        ids=["a page", "a page with 200", "empty", "no choices", "a list"],
    )
    def test_no_usable_reply(self, world, server, make_v2, reply):
        """What holds no answer is an error that shows its start."""
        server.always(reply)
        error = world.ask(make_v2().chat).error

        assert isinstance(error, RequestError)
        assert error.body

    @unary
    def test_a_misspelt_model(self, world, server, make_v2):
        """A refused name is told with the names that look like it; nothing is replaced in silence."""
        server.always(refused(401, "invalid_model", "No permission to use the model"))
        error = world.ask(make_v2().chat, model="ernie-4.5-turbo-182k").error

        assert "ernie-4.5-turbo-128k" in error.hint
        assert server.requests[0].json["model"] == "ernie-4.5-turbo-182k"


#: Each kind of call that v2 has: the arguments, its path, its body, and a reply.
KINDS = {
    "completions": ({"prompt": "从前"}, "chat/completions", {"model": "ernie-lite-8k", "messages": [{"role": "user", "content": "从前"}]}, answered()),
    "embeddings": ({"texts": ["山"]}, "embeddings", {"model": "embedding-v1", "input": ["山"]}, vectors(["山"])),
    "rerank": (
        {"query": "山", "documents": ["水"]},
        "rerank",
        {"model": "bce-reranker-base", "query": "山", "documents": ["水"]},
        whole({"results": [{"document": "水", "relevance_score": 0.1, "index": 0}], "usage": USAGE}),
    ),
    "images": ({"prompt": "猫"}, "images/generations", {"model": "irag-1.0", "prompt": "猫"}, whole({"data": [{"url": "http://host/cat"}]})),
}  # fmt: skip


class TestKinds:
    """The other kinds of calls."""

    @unary
    @pytest.mark.parametrize("name", KINDS)
    def test_what_is_sent(self, world, server, make_v2, name):
        """Each goes to its own path, with the common options and v2's name of the user's id."""
        arguments, path, body, reply = KINDS[name]
        server.answer(reply)
        world.call(
            getattr(make_v2(), name), "do", **arguments, user_id="u", request_id="r-1", headers={"X-A": "b"}
        )
        sent = server.requests[0]

        assert (sent.method, sent.path, sent.json) == ("POST", f"/v2/{path}", {**body, "user": "u"})
        assert (sent.headers["request_id"], sent.headers["x-a"]) == ("r-1", "b")

    @unary
    @pytest.mark.parametrize(
        ("name", "method", "arguments", "body"),
        [
            (
                "completions",
                "create",
                {"prompt": "从前"},
                {"messages": [{"role": "user", "content": "从前"}]},
            ),
            ("embeddings", "create", {"input": "山"}, {"input": ["山"]}),
            ("embeddings", "create", {"input": ["山"]}, {"input": ["山"]}),
            ("images", "generate", {"prompt": "猫"}, {"prompt": "猫"}),
        ],
    )
    def test_openais_names(self, world, server, make_v2, name, method, arguments, body):
        """The same calls under openai's names."""
        server.answer(KINDS[name][3])
        resource = getattr(make_v2(), name)
        world.call(resource, method, model="m", user="u", timeout=7, extra_body={"new": 1}, **arguments)

        assert server.requests[0].json == {"model": "m", "user": "u", "new": 1, **body}

    @unary
    def test_the_models(self, world, server, make_v2):
        """The list of models reads as a list and as a reply."""
        server.always(
            whole({"object": "list", "data": [{"id": "ernie-4.0-8k", "owned_by": ""}, {"id": "mine"}]})
        )
        models = world.call(make_v2().models, "list", timeout=7, extra_headers={"X-A": "b"}, request_id="r-1")
        sent = server.requests[0]

        assert [model.id for model in models] == ["ernie-4.0-8k", "mine"]
        assert (sent.method, sent.path, sent.body) == ("GET", "/v2/models", b"")
        assert (sent.headers["x-a"], sent.headers["request_id"]) == ("b", "r-1")
        assert sent.headers["authorization"] == f"Bearer {KEY}"

    @unary
    def test_a_misspelt_option_of_the_list(self, world, make_v2):
        """An option that the list does not have is a mistake like any other argument."""
        with pytest.raises(TypeError, match="unexpected argument 'time_out'"):
            world.call(make_v2().models, "list", time_out=7)

    @unary
    def test_v1_has_no_list(self, world, server, make):
        """A client of v1 cannot ask for the list: it says which key can."""
        with pytest.raises(InvalidArgumentError, match="v1 has no call for models") as caught:
            world.call(make().models, "list")

        assert "api_key=" in caught.value.hint
        assert server.connections == 0

    @unary
    def test_a_list_that_is_refused(self, world, server, make_v2):
        """A refusal is told, and what passes is tried again."""
        server.answer(refused(500, "internal_error"), refused(401, "invalid_model"))
        with pytest.raises(AuthError):
            world.call(make_v2().models, "list")


#: Each kind that exists on v1 only: the arguments of a call, and its path.
V1_ONLY = {
    "plugin": ("do", {"prompt": "你好", "endpoint": "shop"}, "/plugin/shop/"),
    "image2text": ("do", {"prompt": "?", "image": b"\x89PNG"}, "/image2text/fuyu_8b"),
    "tokenizer": ("count_tokens", {"text": "你好", "mode": "remote"}, "/tokenizer/erniebot"),
}


class TestServicesOfV1:
    """What exists on v1 only, from a client of v2."""

    @unary
    @pytest.mark.parametrize("name", V1_ONLY)
    def test_with_an_application(self, world, server, make_v2, name):
        """A key of v1 beside v2's serves it; chat stays on v2."""
        method, arguments, path = V1_ONLY[name]
        client = make_v2(api_key=KEY, ak="application-of-v1", sk="s3cr3t")
        world.call(getattr(client, name), method, **arguments)
        world.call(client.chat, "do", MESSAGES)
        first, second = server.requests

        assert first.path.endswith(path)
        assert first.query == {"access_token": server.token()}
        assert "authorization" not in first.headers
        assert (second.path, second.query) == ("/v2/chat/completions", {})

    @unary
    @pytest.mark.parametrize("name", V1_ONLY)
    def test_with_an_iam_pair(self, world, server, make_v2, name):
        """Of an IAM pair the signature serves it, as v1 takes it instead of a token."""
        method, arguments, path = V1_ONLY[name]
        world.call(getattr(make_v2(**PAIR), name), method, **arguments)
        [sent] = server.requests

        assert sent.path.endswith(path)
        assert sent.query == {}
        assert sent.headers["authorization"].startswith(f"bce-auth-v1/{PAIR['access_key']}/")
        assert (server.exchanges, server.token_requests) == ([], [])

    @unary
    @pytest.mark.parametrize("name", V1_ONLY)
    def test_with_neither(self, world, server, make_v2, name):
        """With a key of v2 alone it is refused before anything is sent, and the keys that would do are named."""
        method, arguments, _ = V1_ONLY[name]
        with pytest.raises(InvalidArgumentError, match="v2 has no") as caught:
            world.call(getattr(make_v2(), name), method, **arguments)

        assert "access_key=" in caught.value.hint
        assert server.connections == 0

    def test_inference_of_v1_signed(self, world, server, make_v2):
        """`version=1` with an IAM pair calls v1 with a signature and no token."""
        assert world.ask(make_v2(**PAIR, version=1).chat, model="ERNIE-Bot").text == GREETING
        [sent] = server.requests

        assert sent.path.endswith("/wenxinworkshop/chat/completions")
        assert sent.headers["authorization"].startswith(f"bce-auth-v1/{PAIR['access_key']}/")
        assert (sent.query, server.exchanges) == ({}, [])


class TestClient:
    """A client of v2 as an object."""

    @unary
    @pytest.mark.parametrize(
        ("path", "sent"),
        [("", "/v2"), ("/", "/v2"), ("/v2", "/v2"), ("/v2/", "/v2"), ("/gateway/llm", "/gateway/llm")],
    )
    def test_base_urls(self, world, server, make_v2, path, sent):
        """A host gets `/v2`; a URL with a path is taken as it is."""
        server.choose = lambda _request: answered()
        client = make_v2(base_url=server.url + path)
        world.call(client.chat, "do", MESSAGES)

        assert server.requests[0].path == f"{sent}/chat/completions"
        assert repr(client) == f"Qianfan(ApiKey(), base_url='{server.url}{sent}')"

    def test_options(self, world, server, make_v2):
        """`with_options` gives a client of the same key and connections with other options."""
        client = make_v2()
        patient, eager = client.with_options(max_retries=4, timeout=7), client.with_options(retry_count=1)
        server.always(refused(500, "internal_error"))
        counts = []
        for it in (client, patient, eager):
            before = len(server.requests)
            assert type(world.ask(it.chat).error) is InternalError
            counts.append(len(server.requests) - before)
        for it in (patient, eager):
            world.close_client(it)
        server.always(streamed() if world.streams else answered())

        assert counts == [3, 5, 1]
        assert world.ask(client.chat).text == GREETING
        assert (client.version, patient.version, server.connections) == (2, 2, 1)

    def test_pickled(self, world, server, make_v2, pair):
        """A pickled client calls with the same bearer, and shows no secret in its repr."""
        first = make_v2(**pair)
        world.ask(first.chat)
        second = pickle.loads(pickle.dumps(first))  # noqa: S301  # our own
        assert world.ask(second.chat).text == GREETING
        world.close_client(second)

        assert (repr(second), len(server.exchanges)) == (repr(first), 1)
        assert pair["secret_key"] not in repr(first)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    def test_forked(self, server):
        """A forked child calls with its parent's bearer over a connection of its own."""
        out = python(
            f"""
            import os
            import qianfan
            client = qianfan.Qianfan(base_url={server.url!r}, iam_base_url={server.url!r}, **{PAIR!r})
            print(client.chat.do({MESSAGES!r})["result"], flush=True)
            child = os.fork()
            if not child:
                print(client.chat.do({MESSAGES!r})["result"], flush=True)
                client.close()
                os._exit(0)
            os.waitpid(child, 0)
            print(client.chat.do({MESSAGES!r})["result"], flush=True)
            client.close()
            """,
            strict=False,  # Python warns of a fork beside threads, which the test has none of
        )

        assert out == f"{GREETING}\n" * 3
        assert (len(server.exchanges), len(server.requests), server.connections) == (1, 3, 2)

    def test_closed(self, world, server, make_v2):
        """A closed client makes no call, of either version, and asks for no token."""
        client = make_v2(api_key=KEY, ak="a", sk="s")
        world.ask(client.chat)
        world.close_client(client)

        assert type(world.ask(client.chat).error) is InvalidArgumentError
        with pytest.raises(InvalidArgumentError, match="closed"):
            world.call(client, "access_token")
        with pytest.raises(InvalidArgumentError, match="closed"):
            world.call(client.models, "list")
        world.wait_idle(server)

    def test_limits_count_what_v2_tells(self, world, make_v2):
        """A limit of tokens counts what replies and streams of v2 say they used."""
        limiter = qianfan.RateLimiter(token_per_minute=10_000)
        client = make_v2(rate_limiter=limiter)
        for _ in range(2):  # the second would wait a minute for what the first only asked for
            assert world.ask(client.chat, max_tokens=9_000, request_timeout=10).text == GREETING
