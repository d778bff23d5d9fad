"""Scripts in files: rules as JSON."""

from __future__ import annotations

import json

import pytest
from asker import TOOL, Asker

import qianfan.local

RULES = [
    {"with": "其他", "then": []},
    {"text": "退款", "with": ["七天内可以退款", "已经说过了"], "at_end": "repeat", "model": "ERNIE-Bot-4"},
    {"regex": "订单(\\d+)", "with": "订单 \\1 已发货", "times": 1},
    {
        "text": "天气",
        "calls": [{"name": "get_weather", "arguments": {"city": "北京"}}],
        "then": {"with": "晴", "first_token": 0, "finish_reason": "length"},
    },
    {
        "text": "订票",
        "with": "去哪里？",
        "then": [{"with": "几点？"}, {"chunks": ["好", "的"], "text": None}],
    },
]


@pytest.fixture(params=["array.json", "object.json", "lines.jsonl"])
def file(request, tmp_path):
    """The rules in a file of each form."""
    path = tmp_path / request.param
    content = {
        "array.json": json.dumps(RULES),
        "object.json": json.dumps({"rules": RULES, "strict": False}, ensure_ascii=False, indent=2),
        "lines.jsonl": "\n\n".join(json.dumps(rule, ensure_ascii=False) for rule in RULES) + "\n",
    }[request.param]
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize("version", [1, 2])
def test_rules_of_a_file(start, file, version):
    """What a rule may say in Python it may say in a file, and the later of two rules answers."""
    asker = Asker(start().platform, version)
    pro = {"endpoint": "completions_pro", "model": "ernie-4.0-8k"}

    rules = asker.platform.script.load(file)

    assert list(asker.platform.script) == rules[::-1]
    assert [asker.words("退款", **pro) for _ in range(3)] == [
        "七天内可以退款",
        "已经说过了",
        "七天内可以退款",
    ]
    assert asker.words("退款", endpoint="eb-instant", model="ernie-lite-8k") == "其他"
    assert [asker.words("订单42") for _ in range(2)] == ["订单 42 已发货", "其他"]
    called = asker.ask("天气", tools=[TOOL])
    assert called.calls == [("get_weather", '{"city":"北京"}')]
    after = asker.ask("天气", called, (("get_weather", "晴"),), tools=[TOOL])
    assert (after.text, after.finish) == ("晴", "length")
    assert asker.words("订票", "去哪里？", "北京", "几点？", "九点") == "好的"
    assert [rule.calls for rule in rules] == [2, 3, 1, 2, 1]


def test_a_strict_file(start, tmp_path):
    """A file may demand that its rules are all that answers, until the script is cleared."""
    path = tmp_path / "script.json"
    path.write_text('{"strict": true, "rules": [{"text": "a", "with": "b"}]}')
    asker = Asker(start().platform, 2)

    asker.platform.script.load(str(path))

    assert asker.words("a") == "b"
    assert asker.refusal("c")[0] == "invalid_argument"


BAD = [
    ("a.json", "[", "is not JSON"),
    ("a.json", "5", "a script is an array of rules"),
    ("a.json", '{"text": "a", "with": "b"}', "a script is an array of rules"),
    ("a.json", '{"rules": [], "strict": 1}', "a script is an array of rules"),
    ("a.json", '[{"with": "a"}, 5]', "rule 2: a rule, and what follows in it, is an object"),
    ("a.json", '[{"with": "a"}, {"text": "b"}]', "rule 2: a reply says one of"),
    ("a.json", '[{"whith": "a"}]', "rule 1: a reply takes no whith, only with_, chunks"),
    ("a.json", '[{"with": "a", "when": "b"}]', "rule 1: a reply takes no when"),
    (
        "a.json",
        '[{"with": "a", "text": "b", "regex": "c"}]',
        "rule 1: a rule has a text or a regex, not both",
    ),
    ("a.json", '[{"with": "a", "regex": "("}]', "rule 1: '\\(' is no regular expression"),
    ("a.json", '[{"with": "a", "regex": 5}]', "rule 1: 5 is no regular expression"),
    ("a.json", '[{"with": "a", "then": "b"}]', "rule 1: a rule, and what follows in it, is an object"),
    ("a.json", '[{"with": "a", "then": {"text": "b"}}]', "rule 1: a reply takes no text"),
    ("a.json", '[{"with": "a", "then": {"with": 5}}]', "rule 1: with_ must be"),
    ("a.json", '[{"with": 5}]', "rule 1: with_ must be"),
    ("a.json", '[{"calls": [{"name": "f", "args": {}}]}]', "rule 1: calls must be like"),
    ("a.json", '[{"with": "a", "times": true}]', "rule 1: times must be"),
    ("a.json", '[{"with": "a", "at_end": "stop"}]', "rule 1: at_end must be"),
    ("a.jsonl", '{"with": "a"}\n\n{"with": 5}', "line 3: with_ must be"),
    ("a.jsonl", '{"with": "a"}\n{"with"', "line 2 is not JSON"),
]


@pytest.mark.parametrize(("name", "content", "why"), BAD)
def test_bad_files_are_refused_whole(tmp_path, name, content, why):
    """A file with something wrong is refused with its name, the place and the reason; none of it is added."""
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    platform = qianfan.local.platform()

    with pytest.raises(ValueError, match=why) as caught:
        platform.script.load(path)
    assert str(path) in str(caught.value)
    assert len(platform.script) == 0


def test_a_file_that_is_not_there(tmp_path):
    """A file that cannot be read is the system's error, with its name."""
    with pytest.raises(FileNotFoundError, match="nowhere"):
        qianfan.local.platform().script.load(tmp_path / "nowhere.json")
