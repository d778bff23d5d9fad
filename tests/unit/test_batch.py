"""What `qianfan batch` makes of files: rows read, prompts filled in, answers written."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import pytest

from qianfan.bulk.outcome import Outcome, Report
from qianfan.cli.batch.answers import Answers, OpenAIAnswers
from qianfan.cli.batch.asking import Asking
from qianfan.cli.batch.progress import Words
from qianfan.cli.batch.reading import Row, source
from qianfan.cli.batch.tally import Prices
from qianfan.cli.batch.template import Template
from qianfan.cli.batch.words import duration
from qianfan.cli.batch.writing import opener, partial_of
from qianfan.errors import BadRequestError, InvalidArgumentError
from qianfan.response import Response, Usage

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def write(tmp_path):
    """Write a file and return its path."""

    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def rows(path, encoding="utf-8"):
    """Read all rows of a file, and see that it counts as many."""
    opened = source(path, encoding)
    found = list(opened.rows())
    assert opened.count() == len(found)
    return found


# Reading


@pytest.mark.parametrize(
    ("name", "content", "encoding"),
    [
        ("a.jsonl", '{"text":"你好"}\n{"text":"再见"}\n', "utf-8"),
        ("no_last_newline.ndjson", '{"text":"你好"}\n{"text":"再见"}', "utf-8"),
        ("crlf.json", '\ufeff{"text":"你好"}\r\n{"text":"再见"}\r\n', "utf-8"),
        ("old.jsonl", '{"text":"你好"}\n{"text":"再见"}\n'.encode("gb18030"), "gb18030"),
        ("packed.jsonl.gz", gzip.compress('{"text":"你好"}\n{"text":"再见"}\n'.encode()), "utf-8"),
        ("a.csv", "text\n你好\n再见\n", "utf-8"),
        ("bom.csv", '\ufefftext\r\n"你好"\r\n再见\r\n', "utf-8"),
        ("old.csv", "text\n你好\n再见".encode("gb18030"), "gb18030"),
        ("a.tsv", "text\n你好\n再见\n", "utf-8"),
        ("packed.csv.gz", gzip.compress("text\n你好\n再见\n".encode()), "utf-8"),
    ],
)
def test_the_same_rows_of_every_form(write, name, content, encoding):
    """Marks, line ends, encodings and packing make no difference to what is read."""
    assert [row.columns for row in rows(write(name, content), encoding)] == [
        {"text": "你好"},
        {"text": "再见"},
    ]


def test_lines_are_counted_as_an_editor_counts_them(write):
    """Blank lines are no rows, and are counted; so are the lines of a cell that has several."""
    jsonl = rows(write("a.jsonl", '\n{"a":1}\n   \n{"a":2}\n\n'))
    csv = rows(write("a.csv", 'a,b\n1,"x\ny\nz"\n\n2,w\n'))

    assert [row.number for row in jsonl] == [2, 4]
    assert [(row.number, row.columns) for row in csv] == [
        (2, {"a": "1", "b": "x\ny\nz"}),
        (6, {"a": "2", "b": "w"}),
    ]


def test_a_line_may_be_the_prompt_or_the_messages_alone(write):
    """A JSON text is a prompt, a list is messages."""
    found = rows(write("a.jsonl", '"你好"\n[{"role":"user","content":"x"}]\n'))

    assert [row.columns for row in found] == [
        {"prompt": "你好"},
        {"messages": [{"role": "user", "content": "x"}]},
    ]


@pytest.mark.parametrize(
    ("name", "content", "number", "problem"),
    [
        ("a.jsonl", b'{"a":1}\n{"a":\n{"a":2}\n', 2, "不是 JSON"),
        ("a.jsonl", b'{"a":1}\n3\n{"a":2}\n', 2, "不是 JSON 对象"),
        ("a.jsonl", b'{"a":1}\n{"a":"\xc4\xe3"}\n{"a":2}\n', 2, "第 7 个字节"),
        ("a.csv", b"a,b\n1,2\n3\n4,5\n", 3, "有 1 格，表头有 2 列"),
        ("a.csv", b"a,b\n1,2\n\xc4\xe3,3\n4,5\n", 3, "不是 utf-8 文本"),
        ("a.csv", b'a,b\n1,2\n"x"y,3\n4,5\n', 3, "不是 CSV"),
    ],
)
def test_a_bad_line_is_told_and_the_next_is_read(write, name, content, number, problem):
    """What cannot be read says where and why, and costs no other row."""
    found = rows(write(name, content))

    assert [(row.number, problem in row.problem) for row in found if row.problem] == [(number, True)]
    assert len(found) == 3


def test_a_quotation_mark_without_its_twin(write):
    """It makes one bad row of the rest of the file, which begins where the mark stands."""
    found = rows(write("a.csv", 'a,b\n1,2\n"x,3\n4,5\n'))

    assert [(row.number, bool(row.problem)) for row in found] == [(2, False), (3, True)]


def test_a_long_line(write):
    """A line of five million characters is a row like any other."""
    text = "长" * 5_000_000

    assert rows(write("a.jsonl", json.dumps({"text": text}, ensure_ascii=False)))[0].columns == {"text": text}
    assert rows(write("a.csv", f"text\n{text}\n"))[0].columns == {"text": text}


@pytest.mark.parametrize(
    ("name", "content", "encoding", "words"),
    [
        ("a.xlsx", b"", "utf-8", "不认识的后缀"),
        ("a.parquet.gz", b"", "utf-8", "不认识的后缀"),
        ("a.jsonl", b"", "utf-16", "逐行"),
        ("a.jsonl", b"", "no-such", "逐行"),
        ("a.csv", b"a,b,a\n1,2,3\n", "utf-8", "两列都叫"),
        ("a.csv", b"\xc4\xe3,b\n1,2\n", "utf-8", "第 1 行"),
        ("a.jsonl.gz", b"no gzip at all", "utf-8", "gzip"),
        ("a.jsonl.gz", gzip.compress(b'{"a":1}\n' * 1000)[:-9], "utf-8", "gzip"),
        ("a.parquet", b"PAR1 it is not", "utf-8", "不是 Parquet"),
    ],
)
def test_a_file_that_cannot_be_read(write, name, content, encoding, words):
    """A file that is none of the kind its name says is refused in words."""
    with pytest.raises(InvalidArgumentError, match=words):
        rows(write(name, content), encoding)


@pytest.mark.parametrize(("name", "content"), [("a.jsonl", "\n\n"), ("a.csv", ""), ("a.csv", "a,b\n")])
def test_a_file_without_rows(write, name, content):
    """An empty file has no rows, and a header alone is none."""
    assert rows(write(name, content)) == []


def test_parquet_rows(tmp_path):
    """Rows of Parquet are read with their types; times as fine as Python has them."""
    path = tmp_path / "a.parquet"
    times = pyarrow.array([1001] * 1000, pyarrow.timestamp("ns"))
    parquet.write_table(pyarrow.table({"n": range(1000), "t": times}), path, row_group_size=300)

    found = rows(path)

    assert [row.number for row in found] == list(range(1, 1001))
    assert [row.columns["n"] for row in found] == list(range(1000))
    assert found[0].columns["t"].microsecond == 1


# Prompts


@pytest.mark.parametrize(
    ("template", "columns", "prompt"),
    [
        ("翻译：{text}", {"text": "你好"}, "翻译：你好"),
        ("{a}{b}{a}", {"a": "1", "b": "2"}, "121"),
        ("{列 名}", {"列 名": "x"}, "x"),
        ("{n} {t} {none} {list}", {"n": 3, "t": True, "none": None, "list": ["一", 2]}, '3 true  ["一",2]'),
        (
            '输出 {"label": "…", "x": {"y": 1}}，文字：{text}',
            {"text": "a"},
            '输出 {"label": "…", "x": {"y": 1}}，文字：a',
        ),
        ('{"a": {text}}', {"text": "1"}, '{"a": 1}'),
        ("{{text}} 是 {text}", {"text": "{a}"}, "{text} 是 {a}"),
        ("{} {text} }{", {"text": "a"}, "{} a }{"),
    ],
)
def test_a_template(template, columns, prompt):
    """Columns stand where their names stand in braces; all other braces, as of JSON, stay what they are."""
    assert Template(template, "--prompt").fill(columns) == prompt


def test_a_template_with_a_column_that_is_not_there():
    """It is refused with the columns that there are, and with the way to mean the braces themselves."""
    with pytest.raises(InvalidArgumentError, match=r"\{txt\}.*text, id.*\{\{txt\}\}"):
        Template("翻译：{txt}", "--prompt").fill({"text": "a", "id": 1})


def test_a_template_without_columns():
    """Its columns are those that are replaced."""
    assert Template('{{a}} {"b": 1} {}', "--prompt").columns == ()
    assert Template("{b} {a} {b}", "--prompt").columns == ("b", "a")


# What rows ask

USER = [{"role": "user", "content": "你好"}]


@pytest.mark.parametrize(
    ("asking", "columns", "arguments"),
    [
        (Asking("chat"), {"prompt": "你好", "id": 7}, {"messages": USER}),
        (
            Asking("chat"),
            {"messages": USER, "temperature": 0.1, "model": "ERNIE-Bot", "label": "x", "headers": {"a": "b"}},
            {"messages": USER, "temperature": 0.1, "model": "ERNIE-Bot"},
        ),
        (Asking("chat", texts_only=True), {"prompt": "你好", "temperature": "0.1"}, {"messages": USER}),
        (
            Asking("chat"),
            {"messages": [{"role": "assistant", "content": None, "name": None}]},
            {"messages": [{"role": "assistant", "content": None}]},
        ),
        (Asking("chat"), {"prompt": "你好", "model": None, "system": None}, {"messages": USER}),
        (Asking("completion"), {"prompt": "你好", "top_k": 3}, {"prompt": "你好", "top_k": 3}),
        (Asking("embedding"), {"input": "你好"}, {"texts": ["你好"]}),
        (
            Asking("embedding"),
            {"input": ["你", "好"], "user_id": "u"},
            {"texts": ["你", "好"], "user_id": "u"},
        ),
        (Asking("chat", Template("{a}", "")), {"a": "你好", "temperature": 1}, {"messages": USER}),
        (
            Asking("chat", Template("{a}", ""), Template("你是{b}", "")),
            {"a": "你好", "b": "诗人"},
            {"messages": USER, "system": "你是诗人"},
        ),
        (Asking("embedding", Template("{a}\n{b}", "")), {"a": "x", "b": "y"}, {"texts": ["x\ny"]}),
        (
            Asking("chat", openai=True, id_column="custom_id"),
            {
                "custom_id": "1",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"model": "m", "messages": USER, "new": 1, "stream": False},
            },
            {"model": "m", "messages": USER, "new": 1},
        ),
        (
            Asking("embedding", openai=True, id_column="custom_id"),
            {"custom_id": "1", "url": "/v1/embeddings", "body": {"model": "m", "input": ["a", "b"]}},
            {"model": "m", "texts": ["a", "b"]},
        ),
    ],
)
def test_what_a_row_asks(asking, columns, arguments):
    """A template makes the prompt; a row that is a call already is that, with the parameters it names."""
    assert asking(Row(1, columns)) == arguments


OPENAI = Asking("chat", openai=True, id_column="custom_id")


@pytest.mark.parametrize(
    ("asking", "row", "words"),
    [
        (Asking("chat"), Row(1, {}, "不是 JSON"), "不是 JSON"),
        (Asking("chat"), Row(1, {"text": "x"}), "没有.*messages / prompt"),
        (Asking("chat"), Row(1, {"prompt": " "}), "空的"),
        (Asking("chat"), Row(1, {"messages": {"role": "user"}}), "不能是.*dict"),
        (Asking("completion"), Row(1, {"prompt": ["a"]}), "不能是.*list"),
        (Asking("embedding", one_text=True), Row(1, {"input": ["a", "b"]}), "每行一段"),
        (Asking("chat", Template("译：{a}{b}", "")), Row(1, {"a": "", "b": None}), "空的"),
        (Asking("chat", id_column="id"), Row(1, {"prompt": "x", "id": 1.5}), "没有 id"),
        (OPENAI, Row(1, {"url": "/v1/chat/completions", "body": {"messages": USER}}), "custom_id"),
        (OPENAI, Row(1, {"custom_id": "1"}), "没有 body"),
        (OPENAI, Row(1, {"custom_id": "1", "url": "/v1/embeddings", "body": {"input": "a"}}), "不是 chat"),
        (OPENAI, Row(1, {"custom_id": "1", "body": {"messages": USER, "stream": True}}), "stream"),
        (OPENAI, Row(1, {"custom_id": "1", "body": {"model": "m"}}), "没有"),
        (OPENAI, Row(1, {"custom_id": "1", "body": {"messages": USER, "headers": {"a": "b"}}}), "headers"),
    ],
)
def test_a_row_that_asks_nothing(asking, row, words):
    """It is refused in words that say what is wrong with it."""
    with pytest.raises(InvalidArgumentError, match=words):
        asking(row)


def test_ids():
    """A row's id is a column's; a row without one, which asks nothing, goes by its line."""
    asking = Asking("chat", id_column="id")

    assert [asking.id_of(Row(5, columns)) for columns in ({"id": 7}, {"id": "x"}, {"id": None}, {})] == [
        7,
        "x",
        "line 5",
        "line 5",
    ]


# What is written


def reply(text="您好", **body):
    """Return a reply of v1."""
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    return Response(200, {}, {"id": "as-1", "result": text, "is_truncated": False, "usage": usage, **body})


def answered(row, response=None):
    """Return the outcome of a row: a reply, or the platform's refusal."""
    error = None if response is not None else BadRequestError(336003, "wrong")
    return Outcome(row.number - 1, row, response, error)


def written(path, read, outcomes, answers):
    """Write outcomes beside the rows of a file, and return where."""
    out = opener(path, read, read.rows(), answers.columns)()
    for outcome in outcomes:
        out.write(answers.row(outcome), outcome.input.number)
    assert partial_of(path).exists()
    assert not path.exists()
    out.finish()
    assert not partial_of(path).exists()
    return path


def test_jsonl_to_jsonl(write, tmp_path):
    """A row of the output is the input's with the answer, or with the error and its line."""
    read = source(write("in.jsonl", '{"a":1,"b":"x"}\n{"a":2}\n'), "utf-8")
    first, second = read.rows()
    path = written(
        tmp_path / "out.jsonl", read, [answered(first, reply()), answered(second)], Answers("chat", "result")
    )

    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == [
        {
            "a": 1,
            "b": "x",
            "result": "您好",
            "finish_reason": "stop",
            "error": None,
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        },
        {
            "a": 2,
            "result": None,
            "finish_reason": None,
            "error": {
                "code": 336003,
                "type": "BadRequestError",
                "message": "wrong",
                "line": 2,
                "request_id": None,
            },
            "usage": None,
        },
    ]


@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_csv_to_csv(write, tmp_path, bom):
    """CSV keeps its columns, and the mark that tells Excel of UTF-8 where the input had it."""
    read = source(write("in.csv", f'{bom}a,b\n1,"x\ny"\n2,\n'), "utf-8")
    outcomes = [answered(row, reply('说："好"')) for row in read.rows()]
    path = written(tmp_path / "out.csv", read, outcomes, Answers("chat", "answer"))

    assert path.read_text("utf-8").startswith(
        f"{bom}a,b,answer,answer_finish_reason,answer_error,answer_usage\n"
    )
    assert [(row.columns["b"], row.columns["answer"]) for row in rows(path)] == [
        ("x\ny", '说："好"'),
        ("", '说："好"'),
    ]


def test_jsonl_to_parquet(write, tmp_path):
    """JSONL's columns get the type that holds all their values, and text where none does."""
    lines = (
        '{"i":1,"f":1,"m":1,"n":null,"l":[1]}\n{"i":2,"f":0.5,"m":"x","big":99999999999999999999,"b":true}\n'
    )
    read = source(write("in.jsonl", lines), "utf-8")
    outcomes = [answered(row, reply()) for row in read.rows()]
    table = parquet.read_table(written(tmp_path / "out.parquet", read, outcomes, Answers("chat", "result")))

    assert {field.name: str(field.type) for field in table.schema} == {
        "i": "int64",
        "f": "double",
        "m": "string",
        "n": "string",
        "l": "string",
        "big": "double",
        "b": "bool",
        **dict.fromkeys(("result", "finish_reason", "error", "usage"), "string"),
    }
    first, second = table.to_pylist()
    assert (first["f"], first["m"], first["l"], first["b"]) == (1.0, "1", "[1]", None)
    assert (second["m"], second["b"], second["result"]) == ("x", True, "您好")


def test_parquet_to_parquet(tmp_path):
    """The columns of Parquet stay as they are, whatever their types, beside rows that are missing."""
    schema = pyarrow.schema(
        {
            "prompt": pyarrow.string(),
            "d": pyarrow.decimal128(9, 2),
            "t": pyarrow.timestamp("ns"),
            "s": pyarrow.struct({"x": pyarrow.int8()}),
            "c": pyarrow.dictionary(pyarrow.int8(), pyarrow.string()),
        }
    )
    table = pyarrow.table(
        [
            [str(number) for number in range(1000)],
            [Decimal(number) for number in range(1000)],
            list(range(1000)),
            [{"x": number % 100} for number in range(1000)],
            pyarrow.array(["a", "b"] * 500).dictionary_encode().cast(schema.field("c").type),
        ],
        schema=schema,
    )
    parquet.write_table(table, tmp_path / "in.parquet")
    read = source(tmp_path / "in.parquet", "utf-8")
    there = [row for row in read.rows() if row.number not in {3, 600} and not 200 < row.number < 560]
    outcomes = [answered(row, reply(row.columns["prompt"])) for row in there]

    out = parquet.read_table(written(tmp_path / "out.parquet", read, outcomes, Answers("chat", "result")))

    assert out.select(schema.names).equals(table.take([row.number - 1 for row in there]))
    assert out["result"].equals(out["prompt"])


def test_parquet_to_jsonl(tmp_path):
    """What JSON has not is written as its text."""
    table = pyarrow.table({"d": [Decimal("1.50")], "b": [b"\x00\xff"], "prompt": ["x"]})
    parquet.write_table(table, tmp_path / "in.parquet")
    read = source(tmp_path / "in.parquet", "utf-8")
    path = written(
        tmp_path / "out.jsonl",
        read,
        [answered(row, reply()) for row in read.rows()],
        Answers("chat", "result"),
    )

    assert json.loads(path.read_text())["d"] == "1.50"
    assert json.loads(path.read_text())["b"] == "AP8="


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_vectors(write, tmp_path, suffix):
    """The answer of an embedding is its vector, which Parquet has as a list of numbers."""
    read = source(write("in.jsonl", '{"input":"a"}\n{"input":"b"}\n'), "utf-8")
    vector = Response(200, {}, {"data": [{"index": 0, "embedding": [0.5, 1]}], "usage": {"total_tokens": 1}})
    outcomes = [answered(row, vector if row.number == 1 else None) for row in read.rows()]
    found = rows(written(tmp_path / f"out{suffix}", read, outcomes, Answers("embedding", "result")))

    assert list(found[0].columns) == ["input", "result", "error", "usage"]
    results = [row.columns["result"] for row in found]
    assert results == (["[0.5,1]", ""] if suffix == ".csv" else [[0.5, 1], None])


def test_answers_that_parquet_has_no_place_for(write, tmp_path):
    """Vectors in base64 are none: it is said in words, and not by pyarrow."""
    read = source(write("in.jsonl", '{"input":"a"}\n'), "utf-8")
    answers = Answers("embedding", "result")
    out = opener(tmp_path / "out.parquet", read, read.rows(), answers.columns)()
    vector = Response(200, {}, {"data": [{"index": 0, "embedding": "AAAA"}]})
    out.write(answers.row(answered(next(read.rows()), vector)), 1)

    with pytest.raises(InvalidArgumentError, match="放不下"):
        out.close()


def test_an_answer_that_calls_a_function():
    """Where the model calls a function and says nothing, the answer is the calls."""
    row = Answers("chat", "result").row(
        answered(Row(1, {}), reply("", function_call={"name": "weather", "arguments": '{"city":"杭州"}'}))
    )

    assert json.loads(row["result"])[0]["function"] == {"name": "weather", "arguments": '{"city":"杭州"}'}
    assert row["finish_reason"] == "tool_calls"


def test_answers_in_openais_format():
    """Calls in OpenAI's batch format are answered in it, refusals and lines that are no calls too."""
    answers = OpenAIAnswers("chat", "result")
    row = Row(4, {"custom_id": "a", "url": "/v1/chat/completions", "body": {}})
    good, bad, none = (
        answers.row(outcome)
        for outcome in (answered(row, reply()), answered(row), answered(Row(5, {}, "不是 JSON")))
    )

    assert (good["custom_id"], good["error"], good["response"]["status_code"]) == ("a", None, 200)
    assert good["response"]["body"]["choices"][0]["message"]["content"] == "您好"
    assert (bad["custom_id"], bad["response"], bad["error"]["code"]) == ("a", None, 336003)
    assert (none["id"], none["custom_id"]) == ("batch_req_5", None)


def test_a_partial_file_can_be_read(write, tmp_path):
    """A run that ends early leaves a whole file of the rows that there are, under another name."""
    read = source(write("in.jsonl", '{"prompt":"x"}\n{"prompt":"y"}\n'), "utf-8")
    answers = Answers("chat", "result")
    out = opener(tmp_path / "out.parquet", read, read.rows(), answers.columns)()
    out.write(answers.row(answered(next(read.rows()), reply())), 1)
    out.close()

    partial = partial_of(tmp_path / "out.parquet")
    assert parquet.read_table(Path(partial)).num_rows == 1


# What is shown


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "不到 1 秒"), (59, "59 秒"), (61, "1 分 1 秒"), (7260, "2 小时 1 分"), (180_000, "2 天 2 小时")],
)
def test_a_time_in_words(seconds, words):
    """Times have two units at most."""
    assert duration(seconds) == words


def test_how_far_a_run_is():
    """The rate, and what it makes of the time that is left, are those of the rows that were asked for now."""
    usage = Usage(prompt_tokens=1000, completion_tokens=500, total_tokens=1500)
    report = Report(recorded=40, failed=2, in_flight=3, level=8, usage=usage, seconds=10.0)

    assert Words(1000, Prices(0.8, 2.0))(60, report) == (
        "60/1,000 行 · 失败 2 · 2.0 行/秒 · 还需 7 分 50 秒 · token 1,500 · 约 1.80 元 · 在途 3/8"
    )
    assert Words(10, Prices(None, None))(0, Report()) == "0/10 行 · token 0 · 在途 0/0"
