"""Whatever comes over the wire, HTTP or not, the answer is in one of the platform's shapes and never a fault."""

from __future__ import annotations

import json
from itertools import pairwise
from urllib.parse import quote

import pytest
from answer_shapes import check
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from local_caller import PREFIX
from v2_caller import MODEL
from wire_caller import Wire, ask, head

pytestmark = pytest.mark.usefixtures("quiet")

RELAXED = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

PATHS = [
    f"{PREFIX}/chat/completions",
    f"{PREFIX}/chat/my_service",
    f"{PREFIX}/completions/sqlcoder_7b",
    f"{PREFIX}/embeddings/embedding-v1",
    f"{PREFIX}/plugin/mine/",
    f"{PREFIX}/text2image/sd_xl",
    f"{PREFIX}/image2text/fuyu_8b",
    f"{PREFIX}/reranker/bce_reranker_base",
    f"{PREFIX}/no/such",
    "/rest/2.0/tokenizer/erniebot",
    "/oauth/2.0/token",
    "/v1/BCE-BEARER/token",
    "/v2/chat/completions",
    "/v2/completions",
    "/v2/embeddings",
    "/v2/rerank",
    "/v2/images/generations",
    "/v2/models",
    "/v2/finetuning",
    "/v2/service",
    "/v2/nix",
    "/wenxinworkshop/finetune/createTask",
    "/wenxinworkshop/nix",
    "/qianfan/images/x.png",
    "/qianfan/visualdl/index",
    "/_platform/state",
    "/_platform/nix",
    "/nix",
    "/",
    "*",
]
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "CONNECT"]

printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
latin = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=30)
escapes = st.sampled_from(
    ["%00", "%0d%0a", "%ff", "%c3", "%", "%zz", "%2F", "%2e%2e", "%E4%BD%A0", "+", ";", "&&", "=="]
)
pieces = st.lists(escapes | printable.map(lambda text: quote(text, safe="")), max_size=4).map("".join)
queries = st.dictionaries(
    st.sampled_from(
        [
            "access_token",
            "grant_type",
            "client_id",
            "client_secret",
            "Action",
            "displayToken",
            "expireInSeconds",
            "after",
            "wait",
        ]
    )
    | pieces,
    st.sampled_from(["24.x", "client_credentials", "Describe", "0", "99999999999999999999"]) | pieces,
    max_size=3,
).map(lambda values: "?" * bool(values) + "&".join(f"{name}={value}" for name, value in values.items()))
targets = st.tuples(st.sampled_from(PATHS), st.just("") | pieces.map("/{}".format), queries).map("".join)

names = st.sampled_from(
    [
        "Authorization",
        "appid",
        "Content-Type",
        "Content-MD5",
        "x-bce-date",
        "x-bce-request-id",
        "Request_id",
        "Origin",
        "Cookie",
        "Accept",
        "Accept-Encoding",
        "Expect",
        "Connection",
        "Upgrade",
        "Content-Encoding",
        "Range",
        "If-Match",
        "X-Forwarded-For",
    ]
)
values = latin | st.sampled_from(
    [
        "Bearer x",
        "bce-auth-v1/a/2026-01-01T00:00:00Z/1800/host/" + "0" * 64,
        "bce-auth-v1/////",
        "application/json; charset=gbk",
        "100-continue",
        "close",
        "keep-alive, upgrade",
        "websocket",
        "h2c",
        "http://127.0.0.1",
        "null",
        "gzip",
        "a" * 3000,
    ]
)
headers = st.lists(st.tuples(names, values).map(": ".join), max_size=5)

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
WORDS = {"model": MODEL, "messages": [{"role": "user", "content": "你好"}]}
bodies = st.one_of(
    documents.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from([*WORDS, "stream", "prompt", "input", "query"]), documents).map(
        lambda fields: json.dumps({**WORDS, **fields}).encode()
    ),
    st.sampled_from(
        [
            b"",
            b"\xff\xfe{\x00}\x00",
            b"\xef\xbb\xbf{}",
            b"\x1f\x8b\x08",
            b"{}{}",
            b"NaN",
            b"1e999",
            b'"\\ud800"',
            b'{"a":' * 300 + b"1" + b"}" * 300,
            b"[" * 2000 + b"]" * 2000,
            b'{"token":' * 300 + b"1" + b"}" * 300,
            json.dumps({**WORDS, "stream": True}).encode(),
            json.dumps({"messages": [{"role": "user", "content": "你好" * 20_000}], "model": MODEL}).encode(),
        ]
    ),
    st.binary(max_size=50),
)


@st.composite
def requests(draw):
    """Draw a request of HTTP, mostly."""
    body, method = draw(bodies), draw(st.sampled_from(METHODS))
    lines = draw(headers)
    if draw(st.integers(0, 4)) == 4:
        lines += [
            "Connection: keep-alive, Upgrade",
            draw(st.sampled_from(["Upgrade: h2c", "Upgrade: websocket"])),
        ]
    if draw(st.booleans()):
        size = draw(st.integers(1, 60))
        parts = [body[at : at + size] for at in range(0, len(body), size)][:200]
        body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        lines.append("Transfer-Encoding: chunked")
    else:
        lines.append(f"Content-Length: {max(0, len(body) + draw(st.sampled_from([0, 0, 0, 0, -1, 1])))}")
    return method, head(draw(targets), *lines, method=method) + body


def read(wire, method):
    """Read answers to the end of a connection that sends no more, and check each."""
    while (answer := wire.answer(method)) is not None:
        check(answer)


@RELAXED
@given(requests())
@example(("GET", head("*")))
@example(("POST", head("/v2/nix%0d%0a", "Content-Length: 0", method="POST")))
@example(("POST", head("/", "Content-Length: 0", method="POST")))
def test_any_request(open_platform, sent):
    """Any method, target, headers and body are answered in the shape of the platform's errors, or better."""
    method, data = sent
    with Wire(open_platform) as wire:
        wire.send(data)
        wire.end()
        read(wire, method)
    assert ask(open_platform, head("/nix")).status == 404


@RELAXED
@given(st.lists(requests(), min_size=1, max_size=4), st.lists(st.integers(0, 2000), max_size=4))
def test_any_requests_in_any_pieces(open_platform, sent, cuts):
    """Requests behind each other, cut anywhere, are answered in their order as far as they are requests."""
    data = b"".join(part for method, part in sent if method != "HEAD")
    with Wire(open_platform) as wire:
        edges = [0, *sorted(cuts), len(data)]
        wire.send(*(data[start:end] for start, end in pairwise(edges)))
        wire.end()
        read(wire, "GET")


@RELAXED
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes(open_platform, data, behind):
    """Any bytes are answered as no HTTP, or not at all where they are no end of anything."""
    with Wire(open_platform) as wire:
        wire.send(head("/nix") * behind + data)
        wire.end()
        read(wire, "GET")


@RELAXED
@given(st.data())
def test_a_request_with_a_wrong_byte(open_platform, data):
    """A good request in which one byte is another is answered in some shape of the platform's."""
    whole = bytearray(
        head("/v2/chat/completions", "Authorization: Bearer x", "Content-Length: 2", method="POST") + b"{}"
    )
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with Wire(open_platform) as wire:
        wire.send(bytes(whole))
        wire.end()
        read(wire, "GET")
