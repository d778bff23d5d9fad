"""The tokenizer over the wire: what it counts, and what a request may say."""

from __future__ import annotations

import re

import pytest

from qianfan.local import tokens


def tokenize(caller, **body):
    """Return the answer to a body."""
    return caller.post(body, "erniebot", service="tokenizer").json()


@pytest.mark.parametrize(
    ("prompt", "spent"),
    [
        ("", 0),
        (" \n", 0),
        ("，。!?", 0),
        ("你好", 2),
        ("hello", 1),
        ("hello world", 2),
        ("a b c d", 5),
        ("one two three four five six seven eight nine ten", 13),
        ("你好，world", 3),
        ("千帆SDK很好用", 6),
        ("こんにちは", 5),
        ("字" * 10_000, 10_000),
    ],
)
def test_counts(shared, prompt, spent):
    """A text has as many tokens as it has Chinese characters, and 1.3 for each word, rounded down."""
    body = tokenize(shared, prompt=prompt)

    assert set(body) == {"id", "object", "created", "usage"}
    assert re.fullmatch(r"as-[0-9a-z]{10}", body["id"])
    assert body["object"] == "tokenizer.erniebot"
    assert body["usage"] == {"prompt_tokens": spent, "total_tokens": spent}


def test_counts_what_chat_charges(shared):
    """The tokenizer, chat and this package's own count agree."""
    text = "请用 Python 写一个快速排序, please!"

    charged = shared.ask(text)["usage"]["prompt_tokens"]
    assert tokenize(shared, prompt=text)["usage"]["total_tokens"] == charged == tokens.count(text)


@pytest.mark.parametrize("model", ["ernie-4.0-8k", "", "no such model", None])
def test_every_model_counts_alike(shared, model):
    """A model may be named, and changes nothing."""
    assert tokenize(shared, prompt="你好", model=model)["usage"]["total_tokens"] == 2


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({}, 336001, "prompt is required"),
        ({"prompt": None}, 336001, "prompt is required"),
        ({"prompt": 1}, 336001, "prompt must be a string"),
        ({"prompt": ["你好"]}, 336001, "prompt must be a string"),
        ({"prompt": "你好", "model": 3}, 336003, "model must be a string"),
    ],
)
def test_bad_requests(shared, body, code, message):
    """Each wrong value has its code and words."""
    answer = tokenize(shared, **body)

    assert (code, message) == (answer["error_code"], answer["error_msg"])
