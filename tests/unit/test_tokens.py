"""Token estimates: the local rule of the platform's SDKs, and what a call is thought to use."""

from __future__ import annotations

from typing import Any

import pytest

from qianfan import Tokenizer
from qianfan.core.call import Call
from qianfan.core.tokens import count, expected
from qianfan.errors import InvalidArgumentError

#: Each text beside int(0.625 x its Chinese characters + its words), worked out by hand.
COUNTS = [
    ("", 0),
    (" \n\t", 0),
    ("。，！？、“”《》", 0),
    ("!?.,;:-()[]", 0),
    ("你", 0),
    ("你好", 1),
    ("你好吗", 1),
    ("你好吗？", 1),
    ("今天天气很好", 3),
    ("世界上最高的山", 4),
    ("一二三四五六七八", 5),
    ("你" * 16, 10),
    ("hello", 1),
    ("Hello, world!", 2),
    ("hello\nworld\tagain", 3),
    ("don't", 2),
    ("state-of-the-art", 4),
    ("a1b2", 1),
    ("2024", 1),
    ("3.14", 2),
    ("snake_case", 1),
    ("naïve café", 2),
    ("Привет мир", 2),
    ("你好 world", 2),
    ("你好world你好", 3),
    ("千帆SDK支持Python", 4),
    ("こんにちは", 3),
    ("안녕하세요", 3),
    ("𠀀𠀁𠀂𠀃𠀄𠀅𠀆𠀇", 5),
    ("豈更車賈滑串句龜", 5),
    ("😀", 0),
    ("hi 😀 there", 2),
]


@pytest.mark.parametrize(("text", "tokens"), COUNTS)
def test_count(text: str, tokens: int) -> None:
    """A text counts 0.625 a Chinese character and 1 a word, rounded down."""
    assert count(text) == tokens


@pytest.mark.parametrize(("text", "tokens"), COUNTS[:8])
def test_the_tokenizer_counts_so_without_a_key(text: str, tokens: int) -> None:
    """Counting locally asks for no credential and is the default, as an object and by every argument."""
    assert Tokenizer().count_tokens(text) == tokens
    assert Tokenizer().count_tokens(text=text, mode="local", model="ERNIE-Bot") == tokens


async def test_the_tokenizer_counts_so_in_a_loop() -> None:
    """The async twin counts the same, without a key."""
    assert await Tokenizer().acount_tokens("今天天气很好", "local") == 3


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        (None, "local", "text must be a str, not NoneType"),
        (b"hi", "local", "text must be a str, not bytes"),
        (["hi"], "remote", "text must be a str, not list"),
        ("hi", "best", "mode must be one of local, remote, not 'best'"),
        ("hi", None, "mode must be one of local, remote, not None"),
        ("hi", ["local"], "mode must be one of local, remote"),
    ],
)
async def test_what_cannot_be_counted(text: Any, mode: Any, says: str) -> None:
    """What is no text, and a mode there is not, is refused before a key is looked for."""
    with pytest.raises(InvalidArgumentError, match=says):
        Tokenizer().count_tokens(text, mode)
    with pytest.raises(InvalidArgumentError, match=says):
        await Tokenizer().acount_tokens(text, mode)


def test_remotely_a_key_is_needed() -> None:
    """The service counts only for who has a credential; the error says which would do."""
    with pytest.raises(InvalidArgumentError, match="no credential"):
        Tokenizer().count_tokens("你好", mode="remote")


@pytest.mark.parametrize(
    ("kind", "fields", "tokens"),
    [
        # what is written counts with the most it may be
        ("chat", {"messages": [{"content": "一二三四五"}]}, 5 + 1024),
        ("chat", {"messages": [{"content": "ten " * 10}]}, 13 + 1024),
        ("chat", {"messages": [{"content": "一二三四五"}], "max_output_tokens": 10}, 5 + 10),
        ("chat", {"messages": [{"content": "一二三四五"}], "max_completion_tokens": 10}, 5 + 10),
        ("chat", {"messages": [{"content": "一二三四五"}], "max_tokens": 10}, 5 + 10),
        (
            "chat",
            {"messages": [{"content": "一二三四五"}], "max_output_tokens": None, "max_tokens": 10},
            5 + 10,
        ),
        ("completion", {"prompt": "一二三四五"}, 5 + 1024),
        ("plugin", {"query": "一二三四五", "messages": None}, 5 + 1024),
        ("image2text", {"prompt": "一二三四五", "image": "aGVsbG8gd29ybGQ="}, 5 + 1024),
        # what is not written takes nothing
        ("embedding", {"input": ["一二", "三四五"]}, 5),
        ("embedding", {"input": ("one", "two")}, 2),
        ("reranker", {"query": "一二", "documents": ["三", "四五"], "top_n": 3}, 5),
        ("text2image", {"prompt": "一二三四五"}, 5),
        ("tokenizer", {"prompt": "一二三四五", "model": None}, 5),
    ],
)
def test_expected(kind: str, fields: dict[str, Any], tokens: int) -> None:
    """A call is thought to use its texts and the longest answer, of every kind that writes one."""
    assert expected(Call(kind, None, None, fields)) == tokens
