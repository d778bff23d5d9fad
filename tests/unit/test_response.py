"""What a call returns: a mapping over the body that reads by attribute too."""

from __future__ import annotations

import copy
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from support.processes import python

import qianfan
from qianfan.resources.models import ModelList
from qianfan.response import Choice, Message, RateLimits, Record, Response, ToolCall, Usage

from .copies import pickled

BODY = {
    "id": "as-1",
    "result": "你好",
    "is_truncated": False,
    "usage": {"prompt_tokens": 4, "completion_tokens": 9, "total_tokens": 13, "plugins": [{"name": "p"}]},
    "function_call": {"name": "f", "arguments": "{}"},
    "data": [{"embedding": [0.1, 0.2]}],
}


@pytest.fixture
def response() -> Response:
    """Return a reply such as a chat call gives."""
    return Response(200, {"X-Baidu-Request-Id": "r-1", "X-Mixed-Case": "v"}, copy.deepcopy(BODY))


class Headers(Mapping[str, str]):
    """Headers as a transport gives them: read in any case, kept as sent, and impossible to pickle."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._headers = headers
        self._transport = lambda: None

    def __getitem__(self, name: str) -> str:
        return {key.lower(): value for key, value in self._headers.items()}[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)


class TestMapping:
    """The rules of the platform documentation."""

    def test_body_and_its_keys(self, response: Response) -> None:
        """The README's ways to read a reply all lead to the same values."""
        assert response["result"] == response["body"]["result"] == response.body["result"] == "你好"
        assert response["data"][0]["embedding"] == [0.1, 0.2]
        assert response["code"] == response.code == 200
        assert response["headers"] == response.headers == {"X-Baidu-Request-Id": "r-1", "X-Mixed-Case": "v"}

    def test_a_missing_key(self, response: Response) -> None:
        """A missing key is a `KeyError`; `get` has a default, and knows `body` too."""
        with pytest.raises(KeyError, match="nothing"):
            response["nothing"]

        assert (response.get("nothing"), response.get("nothing", 7)) == (None, 7)
        assert (response.get("result"), response.get("body")) == ("你好", BODY)

    def test_as_a_dict(self, response: Response) -> None:
        """Length, order, items and every way to make a dict of it are the body's."""
        assert isinstance(response, Mapping)
        assert list(response) == list(BODY)
        assert len(response) == len(BODY)
        assert dict(response) == {**response} == dict(response.items()) == BODY
        assert (list(response.keys()), list(response.values())) == (list(BODY), list(BODY.values()))
        assert "result" in response
        assert "nothing" not in response

    @pytest.mark.parametrize(("body", "truth"), [({"result": ""}, True), ({}, False), (None, False)])
    def test_truth(self, body: Any, truth: bool) -> None:
        """A reply is true when its body holds something."""
        assert bool(Response(200, {}, body)) is truth

    @pytest.mark.parametrize(
        "name",
        [
            "items",
            "keys",
            "values",
            "get",
            "usage",
            "request_id",
            "vectors",
            "images",
            "rate_limit",
            "__len__",
            "_x",
        ],
    )
    def test_keys_named_like_members(self, name: str) -> None:
        """A body key is readable whatever it is called, and hides no method."""
        response = Response(200, {}, {name: "mine", "other": 1})

        assert response[name] == response.get(name) == response["body"][name] == "mine"
        assert dict(response) == {**response} == {name: "mine", "other": 1}
        assert callable(response.items)

    def test_what_a_body_cannot_hide(self) -> None:
        """`code`, `headers` and `body` mean the reply's own, as they always have."""
        response = Response(200, {"A": "b"}, {"code": 7, "headers": 8, "body": 9})

        assert (response["code"], response["headers"]) == (200, {"A": "b"})
        assert response["body"] == {"code": 7, "headers": 8, "body": 9}


class TestAttributes:
    """Reading by attribute (design §2)."""

    def test_fields(self, response: Response) -> None:
        """A field of the body is an attribute, and so are the fields of objects in it."""
        assert (response.result, response.is_truncated) == ("你好", False)
        assert response.function_call.name == "f"
        assert response.data[0].embedding == [0.1, 0.2]
        assert response.usage.plugins[0].name == "p"

    def test_objects_are_dicts_still(self, response: Response) -> None:
        """What reads by attribute is a plain dict for everyone else."""
        assert type(response["function_call"]) is dict
        assert response.function_call == BODY["function_call"]
        assert isinstance(response.function_call, dict)

    @pytest.mark.parametrize("name", ["nothing", "_private", "__deepcopy__"])
    def test_a_missing_attribute(self, response: Response, name: str) -> None:
        """What is not there is an `AttributeError`, so that `hasattr` and `copy` work."""
        assert not hasattr(response, name)
        assert not hasattr(Record(), name)

    def test_the_error_names_what_is_there(self, response: Response) -> None:
        """A misspelt field is answered with the fields there are."""
        with pytest.raises(AttributeError, match=r"no field 'resulte'; it has .*'result'"):
            response.resulte  # noqa: B018  # the access is what is tested
        with pytest.raises(AttributeError, match=r"no field 'nam' among .*'name'"):
            response.function_call.nam  # noqa: B018  # the access is what is tested

    @pytest.mark.parametrize(
        ("usage", "expected"),
        [
            ({"prompt_tokens": 4, "completion_tokens": 9, "total_tokens": 13}, (4, 9, 13)),
            ({"prompt_tokens": 4, "total_tokens": 4}, (4, 0, 4)),
            ({"prompt_tokens": 4, "completion_tokens": None, "total_tokens": 4}, (4, 0, 4)),
            ({}, (0, 0, 0)),
            (None, (0, 0, 0)),
        ],
    )
    def test_usage(self, usage: Any, expected: tuple[int, int, int]) -> None:
        """Usage can always be read; what the platform does not tell is 0."""
        found = Response(200, {}, {"usage": usage}).usage

        assert (found.prompt_tokens, found.completion_tokens, found.total_tokens) == expected
        assert type(found) is Usage

    def test_no_usage(self) -> None:
        """A reply without usage has one of zeros."""
        assert Response(200, {}, {}).usage.total_tokens == 0

    @pytest.mark.parametrize(
        ("headers", "body", "expected"),
        [
            ({"X-Baidu-Request-Id": "head"}, {"id": "as-1"}, "head"),
            ({"x-baidu-request-id": "head"}, {}, "head"),
            ({}, {"id": "as-1"}, "as-1"),
            ({}, {}, None),
        ],
    )
    def test_request_id(self, headers: dict[str, str], body: dict[str, Any], expected: str | None) -> None:
        """The request id is the header's, else the body's."""
        assert Response(200, headers, body).request_id == expected


class TestValue:
    """A reply as a value: shown, compared, copied, pickled."""

    def test_repr(self) -> None:
        """`print(resp)` shows what it showed in 2023."""
        response = Response(200, Headers({"X-A": "b"}), {"result": "你好"})

        assert str(response) == repr(response)
        assert repr(response) == "QfResponse(code=200, headers={'X-A': 'b'}, body={'result': '你好'})"

    def test_headers_of_a_transport(self) -> None:
        """Whatever a transport keeps headers in, the user gets a dict, spelled as the server spells them."""
        response = Response(200, Headers({"X-MIXED-case": "v"}), {})

        assert response.headers == {"X-MIXED-case": "v"}
        assert isinstance(response["headers"], dict)
        assert response.headers is response.headers

    def test_headers_read_in_any_case(self) -> None:
        """Headers read by name in any case, and are a dict still for everyone else."""
        headers = Response(200, {"X-Mixed-Case": "v"}, {}).headers

        assert headers["x-mixed-case"] == headers["X-MIXED-CASE"] == headers.get("x-Mixed-case") == "v"
        assert "x-mixed-case" in headers
        assert "x-other" not in headers
        assert 1 not in headers
        assert (headers.get("x-other"), headers.get("x-other", "d")) == (None, "d")
        assert headers == {"X-Mixed-Case": "v"}
        with pytest.raises(KeyError, match="x-other"):
            headers["x-other"]

    @pytest.mark.parametrize(
        "copied",
        [copy.copy, copy.deepcopy, pickled],
        ids=["copy", "deep", "pickle"],
    )
    def test_copies(self, copied: Any) -> None:
        """Copies and pickles are equal, whatever the transport's headers are."""
        response = Response(200, Headers({"X-A": "b"}), copy.deepcopy(BODY))

        twin = copied(response)

        assert twin == response
        assert (type(twin), twin.headers, twin.body) == (Response, {"X-A": "b"}, BODY)

    def test_a_deep_copy_is_apart(self, response: Response) -> None:
        """What is changed in a deep copy stays there."""
        copy.deepcopy(response).body["usage"]["total_tokens"] = 0

        assert response.usage.total_tokens == 13

    @pytest.mark.parametrize(
        ("other", "equal"),
        [
            (Response(200, {"Other": "headers"}, {"a": 1}), True),
            (Response(201, {}, {"a": 1}), False),
            (Response(200, {}, {"a": 2}), False),
            ({"a": 1}, False),
            (None, False),
        ],
        ids=["equal", "code", "body", "a dict", "None"],
    )
    def test_equality(self, other: Any, equal: bool) -> None:
        """Two replies are equal when code and body are."""
        assert (Response(200, {}, {"a": 1}) == other) is equal

    def test_no_hash(self, response: Response) -> None:
        """A reply's body can change, so it has no hash."""
        with pytest.raises(TypeError, match="unhashable"):
            hash(response)

    def test_no_new_attributes(self, response: Response) -> None:
        """A reply takes no attribute by mistake."""
        with pytest.raises(AttributeError):
            response.resulte = "x"

    def test_empty(self) -> None:
        """A reply can be made of nothing, as the classic one can."""
        assert (Response().code, Response().headers, Response().body) == (200, {}, {})

    def test_names(self) -> None:
        """The classic name is the same class."""
        assert qianfan.QfResponse is qianfan.Response is Response


VECTORS = [[0.0622, -0.0511, 1e-300], [1.0, 0.1 + 0.2, -1.0]]


def embedding(*vectors: Any) -> Response:
    """Return an embedding reply."""
    data = [{"object": "embedding", "embedding": it, "index": index} for index, it in enumerate(vectors)]
    return Response(200, {}, {"object": "embedding_list", "data": data})


class TestVectors:
    """The vectors of an embedding."""

    def test_with_numpy(self) -> None:
        """With numpy they are an array of float64, a row a text, no number changed."""
        vectors = embedding(*VECTORS).vectors

        assert (type(vectors), vectors.dtype, vectors.shape) == (np.ndarray, np.float64, (2, 3))
        assert vectors.tolist() == VECTORS

    def test_whole_numbers(self) -> None:
        """A service that writes 1 for 1.0 changes nothing in the type."""
        assert embedding([1, 0]).vectors.dtype == np.float64

    def test_without_numpy(self) -> None:
        """Without numpy they are the same numbers in lists."""
        program = f"""
        import json, sys
        sys.modules["numpy"] = None
        from qianfan.response import Response
        body = {{"data": [{{"embedding": vector, "index": 0}} for vector in {VECTORS!r}]}}
        print(json.dumps(Response(200, {{}}, body).vectors))
        """
        assert json.loads(python(program)) == VECTORS

    def test_numpy_is_imported_by_who_reads_them(self) -> None:
        """Whoever does not read `vectors` does not pay for numpy."""
        program = """
        import sys, qianfan
        qianfan.Embedding, qianfan.Response(200, {}, {"data": []}).data
        print("numpy" in sys.modules)
        """
        assert python(program) == "False\n"

    def test_the_body_keeps_lists(self) -> None:
        """The seed's way to read a vector gives a plain list, as it always did."""
        reply = embedding(*VECTORS)

        assert reply["data"][0]["embedding"] == reply.data[0].embedding == VECTORS[0]
        assert type(reply["data"][0]["embedding"]) is list
        assert type(reply.data[0].embedding) is list

    def test_copies_are_apart(self) -> None:
        """What is changed in the array stays there."""
        reply = embedding(*VECTORS)
        reply.vectors[0, 0] = 7

        assert reply["data"][0]["embedding"] == VECTORS[0]

    @pytest.mark.parametrize(
        "body",
        [BODY | {"data": None}, {"data": [{"b64_image": "aGk="}]}, {"data": {"a": 1}}, {"result": "x"}, {}],
        ids=["chat", "images", "an object", "no data", "nothing"],
    )
    def test_no_vectors(self, body: dict[str, Any]) -> None:
        """A reply of another kind has none, and says so as a missing attribute."""
        reply = Response(200, {}, body)

        assert not hasattr(reply, "vectors")
        with pytest.raises(AttributeError, match="the reply has no field 'vectors'; it has"):
            reply.vectors  # noqa: B018  # the access is what is tested


class TestImages:
    """The images of a reply."""

    def test_images(self) -> None:
        """They are the bytes of the files, in the order of the reply."""
        files = [b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"\xff\xd8\xff"]
        data = [{"object": "image", "b64_image": b64encode(it).decode(), "index": 0} for it in files]

        assert Response(200, {}, {"data": data}).images == files

    @pytest.mark.parametrize("body", [{"data": [{"embedding": [0.5]}]}, {"data": "x"}, {}], ids=str)
    def test_no_images(self, body: dict[str, Any]) -> None:
        """A reply of another kind has none, and says so as a missing attribute."""
        reply = Response(200, {}, body)

        assert not hasattr(reply, "images")
        with pytest.raises(AttributeError, match="the reply has no field 'images'; it has"):
            reply.images  # noqa: B018  # the access is what is tested


class TestRateLimits:
    """What the service says of its limits."""

    @pytest.mark.parametrize(
        ("headers", "expected"),
        [
            (
                {
                    "X-Ratelimit-Limit-Requests": "300",
                    "X-Ratelimit-Limit-Tokens": "300000",
                    "X-Ratelimit-Remaining-Requests": "299",
                    "X-Ratelimit-Remaining-Tokens": "0",
                },
                RateLimits(300, 300000, 299, 0),
            ),
            ({"x-ratelimit-limit-requests": "5"}, RateLimits(limit_requests=5)),
            ({"X-RATELIMIT-REMAINING-TOKENS": "7"}, RateLimits(remaining_tokens=7)),
            ({"X-Ratelimit-Limit-Requests": ""}, RateLimits()),
            ({"X-Ratelimit-Limit-Requests": "many"}, RateLimits()),
            ({"X-Ratelimit-Limit-Requests": "-1"}, RateLimits()),
            ({"X-Ratelimit-Limit-Requests": "1.5"}, RateLimits()),
            ({"X-Ratelimit-Limit-Requests": "²"}, RateLimits()),
            ({}, RateLimits(None, None, None, None)),
        ],
    )
    def test_read(self, headers: dict[str, str], expected: RateLimits) -> None:
        """Each header is its own number; what is not said, or is no number, is None."""
        assert Response(200, headers, {}).rate_limit == expected

    def test_a_field_of_the_body_is_apart(self) -> None:
        """A body that has a field of this name hides nothing and is not hidden."""
        reply = Response(200, {"X-Ratelimit-Limit-Requests": "5"}, {"rate_limit": "mine"})

        assert (reply.rate_limit.limit_requests, reply["rate_limit"]) == (5, "mine")


V1_CALL = {"name": "f", "arguments": "{}"}


class TestChoices:
    """Answers in the form of openai, whichever API gave them."""

    def test_of_v2(self) -> None:
        """What the service sent is typed, and a dict still."""
        call = {"id": "a", "type": "function", "function": V1_CALL}
        message = {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_content": "想"}
        reply = Response(
            200, {}, {"choices": [{"index": 1, "message": message, "finish_reason": "tool_calls"}]}
        )
        choice = reply.choices[0]

        assert (type(choice), type(choice.message)) == (Choice, Message)
        assert (choice.index, choice.finish_reason) == (1, "tool_calls")
        assert (choice.message.role, choice.message.content) == ("assistant", None)
        assert choice.message.reasoning_content == "想"
        assert [type(it) for it in choice.message.tool_calls or ()] == [ToolCall]
        told = (choice.message.tool_calls or [])[0]
        assert (told.id, told.name, told.arguments) == ("a", "f", "{}")
        assert (told.type, told.function.name, told.function.arguments) == ("function", "f", "{}")
        assert choice == reply["choices"][0]
        assert choice.message["tool_calls"][0]["function"] == V1_CALL
        assert json.loads(json.dumps(choice.message)) == message

    def test_of_an_empty_choice(self) -> None:
        """What is not there reads as nothing, whatever the event holds."""
        choice = Response(200, {}, {"choices": [{}]}).choices[0]

        assert (choice.index, choice.finish_reason) == (0, None)
        for message in (choice.message, choice.delta):
            assert (message.role, message.content, message.tool_calls) == ("assistant", None, None)
        part = ToolCall({"index": 0, "function": None})
        assert (part.id, part.name, part.arguments) == ("", "", "")

    @pytest.mark.parametrize(
        ("body", "finish"),
        [
            ({"result": "好"}, "stop"),
            ({"result": "好", "finish_reason": "normal"}, "stop"),
            ({"result": "好", "finish_reason": "stop"}, "stop"),
            ({"result": "好", "is_truncated": True}, "length"),
            ({"result": "好", "is_truncated": True, "finish_reason": "normal"}, "length"),
            ({"result": "好", "need_clear_history": True}, "content_filter"),
            ({"result": "好", "finish_reason": "content_filter"}, "content_filter"),
        ],
        ids=str,
    )
    def test_of_v1(self, body: dict[str, Any], finish: str) -> None:
        """They are made of what v1 says, when they are asked for."""
        reply = Response(200, {}, dict(body))
        choice = {"index": 0, "message": {"role": "assistant", "content": "好"}, "finish_reason": finish}

        assert reply.choices == reply["choices"] == reply.get("choices") == [choice]
        assert "choices" in reply
        assert dict(reply) == reply.body == body

    @pytest.mark.parametrize(
        ("call", "name"), [(V1_CALL, "f"), ({"arguments": "{}"}, None)], ids=["named", "unnamed"]
    )
    def test_a_function_call_of_v1(self, call: dict[str, Any], name: str | None) -> None:
        """v1's one call is a tool call, whose id is its name: v1 has no other."""
        choice = Response(200, {}, {"result": "", "function_call": call}).choices[0]

        assert choice.finish_reason == "tool_calls"
        assert choice.message["tool_calls"] == [
            {"index": 0, "id": name, "type": "function", "function": {"name": name, "arguments": "{}"}}
        ]

    @pytest.mark.parametrize(("end", "finish"), [(False, None), (True, "stop")])
    def test_an_event_of_v1(self, end: bool, finish: str | None) -> None:
        """An event of a stream has an increment, and says why the text ends where it does."""
        choice = Response(200, {}, {"result": "好", "is_end": end, "sentence_id": 0}).choices[0]

        assert (choice.delta.content, choice.finish_reason) == ("好", finish)
        assert choice.message == {}

    @pytest.mark.parametrize("body", [{}, {"data": []}, {"error_code": 18}], ids=str)
    def test_none(self, body: dict[str, Any]) -> None:
        """A reply that is none of a model has none."""
        reply = Response(200, {}, body)

        assert reply.choices == []
        assert "choices" not in reply
        with pytest.raises(KeyError):
            reply["choices"]

    def test_thoughts(self) -> None:
        """Thoughts read from the reply itself too."""
        assert Response(200, {}, {"reasoning_content": "想"}).reasoning_content == "想"
        assert Response(200, {}, {}).reasoning_content is None


class TestModelDump:
    """Plain dicts, as code for openai asks for them."""

    def test_of_a_reply(self) -> None:
        """The body and its choices, as a copy: what is changed in it stays there."""
        reply = Response(200, {}, {"result": "好", "usage": {"total_tokens": 1}})
        dumped = reply.model_dump()

        assert dumped == {**reply.body, "choices": reply["choices"]}
        dumped["usage"]["total_tokens"] = 7
        assert reply.usage.total_tokens == 1

    def test_of_v2(self) -> None:
        """What the service sent is there as it came."""
        body = {"choices": [{"message": {"content": None}}], "result": "", "list": [{"a": None}, 1]}

        assert Response(200, {}, body).model_dump() == body
        assert Response(200, {}, body).model_dump(exclude_none=True) == {
            "choices": [{"message": {}}],
            "result": "",
            "list": [{}, 1],
        }

    def test_of_a_message(self) -> None:
        """A message dumps to what can be sent again."""
        message = Message({"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]})

        assert type(message.model_dump()) is dict
        assert message.model_dump() == message
        assert message.model_dump(exclude_none=True) == {"role": "assistant", "tool_calls": [{"id": "a"}]}


class TestModelList:
    """The list of models."""

    LIST = ModelList(200, {"A": "b"}, {"object": "list", "data": [{"id": "m", "owned_by": "x"}, {"id": "n"}]})

    def test_as_a_list(self) -> None:
        """It gives the models one by one; as a mapping it is the body."""
        assert [model.id for model in self.LIST] == ["m", "n"]
        assert (len(self.LIST), bool(ModelList(200, {}, {"data": []}))) == (2, False)
        assert self.LIST.data[0].owned_by == "x"
        assert self.LIST["data"] == self.LIST["body"]["data"]
        assert dict(self.LIST) == self.LIST.body

    @pytest.mark.parametrize("body", [{}, {"data": None}])
    def test_of_nothing(self, body: dict[str, Any]) -> None:
        """A list of nothing is one."""
        assert list(ModelList(200, {}, body)) == []

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled], ids=["copy", "deep", "pickle"])
    def test_copies(self, copied: Any) -> None:
        """A copy is a list of models still."""
        twin = copied(self.LIST)

        assert (type(twin), twin.body, twin.headers) == (ModelList, self.LIST.body, {"A": "b"})
        assert [model.id for model in twin] == ["m", "n"]
