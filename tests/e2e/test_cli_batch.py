"""`qianfan batch` in processes of its own: files in and out, kills and Ctrl-C, refusals and ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.commands import COMMAND, Terminal, environment, one_line, posix, run, started
from support.processes import PATIENCE


@pytest.fixture
def file(tmp_path):
    """Write a file: of rows as JSONL, or of a text as it is."""

    def file(content, name="in.jsonl"):
        path = tmp_path / name
        if not isinstance(content, (str, bytes)):
            content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return file


@pytest.fixture
def out(tmp_path):
    """Where the answers go."""
    return tmp_path / "out.jsonl"


@pytest.fixture
def batch(platform):
    """Run `qianfan batch` against the platform, with its keys in the environment."""
    return lambda *arguments, **options: run(
        "batch", *map(str, arguments), **{**platform.environment, **options}
    )


def rows(path):
    """Return the rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def checkpoint(out):
    """Return where a run keeps what it knows."""
    return out.with_name(f"{out.name}.checkpoint.jsonl")


def asked(platform):
    """Return what the platform was asked, in no order."""
    return sorted(call.body["messages"][-1]["content"] for call in platform.calls("chat"))


def until(condition):
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


# Files in and out


def test_a_file_is_asked_row_by_row(batch, platform, file, out):
    """Each row becomes a prompt, and the answers stand beside the rows, in their order; then there is a summary."""
    source = file([{"id": number, "text": f"第{number}句"} for number in range(30)])
    done = batch(source, "-o", out, "--prompt", "翻译：{text}")

    assert (done.returncode, done.stderr) == (0, "")
    assert [row["id"] for row in rows(out)] == list(range(30))
    assert all(f"翻译：第{row['id']}句" in row["result"] for row in rows(out))
    assert list(rows(out)[0]) == ["id", "text", "result", "finish_reason", "error", "usage"]
    assert len(platform.calls("chat")) == 30
    lines = done.stdout.splitlines()
    assert lines[0] == "30 行：成功 30，失败 0"
    assert lines[-1] == f"结果在 {out}；记录在 {checkpoint(out)}，确认结果后可以删除"


def test_nothing_but_a_file_is_needed(file, out):
    """--local answers without a key."""
    done = run("batch", str(file('"你好"\n')), "-o", str(out), "--local")

    assert (done.returncode, done.stderr) == (0, "")
    assert rows(out)[0]["result"].startswith("【本地平台】")


def test_parameters(batch, platform, file, out):
    """Options are for all rows; what a row says of itself goes before them, what the model has not stays here."""
    source = file(
        [{"prompt": "你好", "temperature": 0.5, "note": "x"}, {"prompt": "再见", "model": "ERNIE-Bot-4"}]
    )
    done = batch(
        *(source, "-o", out, "-m", "ERNIE-Bot", "--system", "你是诗人", "--temperature", "0.3"),
        *("--max-output-tokens", "200", "-p", 'stop=["。"]', "--concurrency", "1"),
    )

    assert done.returncode == 0, done.stderr
    first, second = platform.calls("chat")
    shared = {"system": "你是诗人", "max_output_tokens": 200, "stop": ["。"]}
    assert first.body == {"messages": [{"role": "user", "content": "你好"}], "temperature": 0.5, **shared}
    assert second.body == {"messages": [{"role": "user", "content": "再见"}], "temperature": 0.3, **shared}
    assert [first.endpoint, second.endpoint] == ["completions", "completions_pro"]


def test_csv(batch, platform, file, tmp_path):
    """CSV in any encoding becomes CSV with the answers."""
    source = file("编号,文字\n1,你好\n2,再见\n".encode("gb18030"), "in.csv")
    done = batch(source, "-o", tmp_path / "out.csv", "--encoding", "gb18030", "--prompt", "译：{文字}")

    assert done.returncode == 0, done.stderr
    assert asked(platform) == ["译：你好", "译：再见"]
    header, first, second = (tmp_path / "out.csv").read_text("utf-8").splitlines()
    assert header == "编号,文字,result,finish_reason,error,usage"
    assert first.startswith("1,你好,【本地平台】")
    assert second.startswith("2,再见,【本地平台】")


def test_parquet(batch, tmp_path):
    """Parquet becomes Parquet, vectors and all."""
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table({"text": ["你好", "再见"], "n": [1, 2]}), tmp_path / "in.parquet")
    done = batch(
        *(tmp_path / "in.parquet", "-o", tmp_path / "out.parquet"),
        *("--kind", "embedding", "--prompt", "{text}", "--field", "vector"),
    )

    assert done.returncode == 0, done.stderr
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.column_names == ["text", "n", "vector", "vector_error", "vector_usage"]
    assert [len(vector) for vector in table["vector"].to_pylist()] == [384, 384]


def test_parquet_without_pyarrow(file, tmp_path):
    """Without the library, one line says what to install, before anything is asked."""
    without = "import sys; sys.modules['pyarrow'] = None; from qianfan.cli import main; main()"
    done = run(
        *("batch", str(file('"x"\n')), "-o", str(tmp_path / "out.parquet"), "--local"),
        command=[sys.executable, "-c", without],
    )

    assert "pip install 'qianfan[cli,parquet]'" in one_line(done, 2)


def test_openais_batch_format(batch, platform, file, out):
    """Lines of OpenAI's batch format are recognised, and answered in it, in their order, by their ids."""
    line = {"method": "POST", "url": "/v1/chat/completions"}
    source = file(
        [
            {"custom_id": name, **line, "body": {"model": "ernie-4.5-turbo-128k", "messages": messages}}
            for name, messages in (("a", [{"role": "user", "content": "你好"}]), ("b", []))
        ]
    )
    done = batch(source, "-o", out, QIANFAN_API_KEY=platform.api_key, QIANFAN_API_VERSION="2")

    assert done.returncode == 1
    first, second = rows(out)
    assert (first["custom_id"], first["error"], first["response"]["status_code"]) == ("a", None, 200)
    assert first["response"]["body"]["choices"][0]["message"]["content"].startswith("【本地平台】")
    assert (second["custom_id"], second["response"], second["error"]["line"]) == ("b", None, 2)
    assert platform.calls("chat").last.body["model"] == "ernie-4.5-turbo-128k"


def test_openais_embeddings(batch, platform, file, out):
    """The url says what is asked for."""
    body = {"model": "embedding-v1", "input": ["你好", "再见"]}
    source = file([{"custom_id": "a", "method": "POST", "url": "/v1/embeddings", "body": body}])
    done = batch(source, "-o", out, QIANFAN_API_KEY=platform.api_key, QIANFAN_API_VERSION="2")

    assert done.returncode == 0, done.stderr
    assert [len(item["embedding"]) for item in rows(out)[0]["response"]["body"]["data"]] == [384, 384]


def test_a_prompt_from_a_file(batch, platform, file, out):
    """--prompt-file reads the template, which may be of several lines and hold JSON."""
    template = file('回答 JSON：{"label": "…"}\n文字：{text}\n', "prompt.txt")
    done = batch(file([{"text": "好"}]), "-o", out, "--prompt-file", template)

    assert done.returncode == 0, done.stderr
    assert asked(platform) == ['回答 JSON：{"label": "…"}\n文字：好']


# Rows that fail


def test_bad_rows_and_refusals(batch, platform, file, out):
    """A row that fails is a row of the output that says why and where; the summary counts reasons; the code is 1."""
    platform.on("chat", text="坏").code(336003)
    source = file('{"prompt":"好"}\n\n不是 JSON\n{"prompt":"坏"}\n{"prompt":" "}\n')
    done = batch(source, "-o", out)

    assert (done.returncode, done.stderr) == (1, "")
    assert [(row["error"] or {}).get("line") for row in rows(out)] == [None, 3, 4, 5]
    assert [(row["error"] or {}).get("code") for row in rows(out)] == [None, None, 336003, None]
    assert "4 行：成功 1，失败 3" in done.stdout
    assert re.search(r"2 行 InvalidArgumentError（第 3、5 行），如：不是 JSON", done.stdout)
    assert re.search(r"1 行 BadRequestError（第 4 行），如：\[336003\]", done.stdout)
    assert "--retry-failed" in done.stdout
    assert asked(platform) == ["坏", "好"]


def test_retry_failed(batch, platform, file, out):
    """--retry-failed asks again for what failed, and for nothing else."""
    fault = platform.on("chat", text="坏").code(336003)
    source = file([{"prompt": "好"}, {"prompt": "坏"}])
    assert batch(source, "-o", out).returncode == 1
    platform.faults.clear()
    platform.clear()
    kept = batch(source, "-o", out, "--resume", "--json")
    before = rows(out)
    done = batch(source, "-o", out, "--retry-failed", "--json")

    assert fault.hits == 1
    assert (kept.returncode, json.loads(kept.stdout)["failed"]) == (1, 1)
    assert (done.returncode, json.loads(done.stdout)["recorded"]) == (0, 1)
    assert before[0] == rows(out)[0]
    assert rows(out)[1]["error"] is None
    assert asked(platform) == ["坏"]


def test_strict(batch, platform, file, out):
    """--strict sends nothing where one line is bad, and names the first."""
    done = batch(file('{"prompt":"好"}\n不是 JSON\n'), "-o", out, "--strict")

    assert "第 2 行" in one_line(done, 2)
    assert not platform.calls("chat")
    assert not checkpoint(out).exists()


def test_a_key_that_is_refused(batch, file, out):
    """Where every call fails, and no row is to blame, the run ends early and says so; it can go on with a good key."""
    source = file([{"prompt": str(number)} for number in range(300)])
    done = batch(source, "-o", out, QIANFAN_AK="wrong")

    assert done.returncode == 3
    assert "--retry-failed" in done.stderr
    assert not out.exists()
    assert batch(source, "-o", out, "--resume").returncode == 0
    assert len(rows(out)) == 300


# Before anything is asked


def test_dry_run(file):
    """--dry-run needs no key: it looks at every line, shows the bad ones and what the run would be."""
    lines = '{"id":1,"text":"你好世界"}\n不是 JSON\n{"id":1,"text":"x"}\n{"id":2,"text":""}\n{"id":3,"text":"hello world"}\n'
    done = run("batch", str(file(lines)), "--dry-run", "--prompt", "{text}", "--id", "id", "--rpm", "1")

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "第 2 行 (line 2): 不是 JSON (is no JSON)，第 1 个字符 (column 1): unexpected character, expected a JSON value",
        "第 3 行 (line 3): id 1 与第 1 行重复 (line 1 has it too)",
        "第 4 行 (line 4): 模板用到的列是空的 (empty): text",
    ]
    assert re.search(r"行 +5，不合格 3", done.stdout)
    assert re.search(r"请求 +2\n", done.stdout)
    assert re.search(r"token +输入约 8，回答至多约 2,048", done.stdout)
    assert re.search(r"时间 +至少约 2 分 0 秒", done.stdout)
    assert re.search(r"第一行 +你好世界", done.stdout)
    assert "费用" not in done.stdout


def test_dry_run_for_scripts(file):
    """--json gives the same; costs where prices are given, and 20 of the bad lines."""
    source = file("x\n" * 30 + '{"input":["a","b"]}\n{"prompt":"好"}\n')
    done = run(
        *("batch", str(source), "--dry-run", "--kind", "embedding", "--json"),
        *("--price-input", "0.5", "-p", "batch_size=1", "-m", "bge-large-zh"),
    )
    report = json.loads(done.stdout)

    assert (done.returncode, done.stderr) == (1, "")
    assert (report["rows"], report["bad"], len(report["bad_lines"])) == (32, 30, 20)
    assert (report["requests"], report["models"]) == (3, {"bge-large-zh": 2})
    assert (report["prompt_tokens"], report["most_completion_tokens"]) == (3, 0)
    assert report["cost"] == [0.0015, 0.0015]
    assert report["seconds"] is None


def test_dry_run_checks_what_a_call_checks(file):
    """What a call would refuse before it is sent is refused here: of which line, it says."""
    source = file([{"input": "好"}, {"input": "长" * 1001}, {"input": [1]}])
    done = run("batch", str(source), "--dry-run", "--kind", "embedding")

    assert done.returncode == 1
    assert [re.findall(r"line (\d)", line) for line in done.stderr.splitlines()] == [["2"], ["3"]]


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        ("", [], "里没有行"),
        ("\n\n", [], "里没有行"),
        ('[\n  {"text": "x"},\n', [], "前 2 行都读不懂.*第 1 行"),
        ("\xff", [], "前 1 行都读不懂"),
        ('{"text":"x"}\n', [], "没有 messages / prompt 这样的列"),
        ('{"text":"x"}\n', ["--prompt", "翻译：{txt}"], r"\{txt\}.*不是列名.*text"),
        ('{"text":"x"}\n', ["--prompt", "翻译"], "没有 {列名}"),
        ('{"text":"x"}\n', ["--prompt", "{text}", "--system", "{who}"], "--system.*不是列名"),
        ('{"prompt":"x","result":"y"}\n', [], "输入已有列.*--field"),
        ('{"prompt":"x"}\n', ["--id", "id"], "--id 'id' 不是列名"),
        ('{"prompt":"x"}\n', ["--kind", "embedding", "--temperature", "0.1"], "--temperature"),
        ('{"prompt":"x"}\n', ["-p", "stream=true"], "stream"),
        ('{"prompt":"x"}\n', ["-p", "novalue"], "NAME=JSON"),
        ('{"prompt":"x"}\n', ["--encoding", "utf-16"], "--encoding"),
        ('{"prompt":"x"}\n', ["-o", "no/such/folder/out.jsonl"], "目录不存在"),
        ('{"prompt":"x"}\n', ["-o", "out.txt"], "不认识的后缀"),
        ('{"prompt":"x"}\n', ["--resume", "--restart"], "不能同用"),
        ('{"prompt":"x"}\n', ["--qps", "-1"], "query_per_second"),
    ],
)
def test_wrong_use(batch, platform, file, out, content, options, words):
    """What cannot be right is refused in one line, with exit code 2, and nothing is sent or left behind."""
    line = one_line(batch(file(content), "-o", out, *options), 2)

    assert re.search(words, line)
    assert not platform.calls("chat")
    assert sorted(path.name for path in out.parent.iterdir()) == ["in.jsonl"]


def test_no_output(batch, file):
    """Without -o there is nowhere to write to."""
    assert "-o" in one_line(batch(file('"x"\n')), 2)


def test_the_output_is_the_input(batch, platform, file):
    """The input is never written over, under whatever name."""
    source = file('"x"\n')
    line = one_line(batch(source, "-o", source.parent / "." / source.name, "--overwrite"), 2)

    assert "会覆盖输入" in line
    assert source.read_text() == '"x"\n'
    assert not platform.calls("chat")


def test_what_is_there_is_kept(batch, platform, file, out):
    """An output or a record that is there is touched only where the command says so, and no row is paid for twice."""
    source = file('"你好"\n')
    out.write_text("something else\n")
    refused = one_line(batch(source, "-o", out), 2)
    assert batch(source, "-o", out, "--overwrite").returncode == 0
    both_ways = one_line(batch(source, "-o", out, "--overwrite"), 2)
    again = batch(source, "-o", out, "--resume")
    restarted = batch(source, "-o", out, "--restart", "--overwrite")

    assert "--overwrite" in refused
    assert re.search(r"--resume.*--restart", both_ways)
    assert [again.returncode, restarted.returncode] == [0, 0]
    assert len(platform.calls("chat")) == 2


def test_going_on_needs_a_record(batch, platform, file, out):
    """--resume writes over an output only where the record of its rows is there; else it begins, as without it."""
    out.write_text("something else\n")
    source = file('"你好"\n')

    assert "--overwrite" in one_line(batch(source, "-o", out, "--resume"), 2)
    assert out.read_text() == "something else\n"
    out.unlink()
    assert batch(source, "-o", out, "--resume").returncode == 0
    assert len(platform.calls("chat")) == 1


def test_a_column_that_an_answer_would_hide(batch, platform, file, out):
    """A late row whose own column has the answers' name is not asked: its answer would hide what it holds."""
    source = file([*({"prompt": "好"} for _ in range(100)), {"prompt": "坏", "result": "mine"}])
    done = batch(source, "-o", out.with_suffix(".csv"), "--json")

    assert done.returncode == 1
    assert json.loads(done.stdout)["failures"][0]["lines"] == [101]
    assert len(platform.calls("chat")) == 100


@posix
def test_a_full_disk(platform, file, out):
    """Where nothing more can be written, the run ends in words; what is recorded is not asked again."""
    source = file([{"prompt": str(number)} for number in range(200)])
    command = ["sh", "-c", 'ulimit -f 40; exec "$@"', "sh", *COMMAND]
    arguments = ["batch", str(source), "-o", str(out)]
    full = run(*arguments, command=command, **platform.environment)
    done = run(*arguments, "--resume", "--json", **platform.environment)

    assert full.returncode == 3
    assert "--resume" in full.stderr
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["recorded"] > 0
    assert len(rows(out)) == 200


def test_only_a_record_is_thrown_away(batch, platform, file, out):
    """--restart removes no file that is no record of a run."""
    checkpoint(out).write_text("my notes\n")
    line = one_line(batch(file('"x"\n'), "-o", out, "--restart"), 2)

    assert "no checkpoint" in line
    assert checkpoint(out).read_text() == "my notes\n"
    assert not platform.calls("chat")


def test_another_question_is_another_run(batch, file, out):
    """--resume with another prompt is refused before the answers of two questions are mixed."""
    source = file([{"text": "好"}])
    assert batch(source, "-o", out, "--prompt", "译：{text}").returncode == 0
    before = out.read_bytes()
    done = batch(source, "-o", out, "--prompt", "读：{text}", "--resume")

    assert (done.returncode, done.stdout) == (2, "")
    assert "another question" in done.stderr
    assert out.read_bytes() == before


# Parts of a run


def test_a_part_and_then_the_rest(batch, platform, file, out):
    """--limit does the first rows; --resume without it does the others."""
    source = file([{"prompt": str(number)} for number in range(5)])
    assert batch(source, "-o", out, "--limit", "2").returncode == 0
    part = rows(out)
    done = batch(source, "-o", out, "--resume")

    assert [row["prompt"] for row in part] == ["0", "1"]
    assert done.returncode == 0, done.stderr
    assert [row["prompt"] for row in rows(out)] == ["0", "1", "2", "3", "4"]
    assert asked(platform) == ["0", "1", "2", "3", "4"]
    assert "其中 2 行的结果来自先前的运行" in done.stdout


def test_rows_are_known_by_their_ids(batch, platform, file, out):
    """With --id, rows may be added and change places between two runs."""
    assert (
        batch(
            file([{"id": "a", "prompt": "1"}, {"id": "b", "prompt": "2"}]), "-o", out, "--id", "id"
        ).returncode
        == 0
    )
    source = file([{"id": "c", "prompt": "3"}, {"id": "b", "prompt": "2"}, {"id": "a", "prompt": "1"}])
    done = batch(source, "-o", out, "--id", "id", "--resume")

    assert done.returncode == 0, done.stderr
    assert [row["id"] for row in rows(out)] == ["c", "b", "a"]
    assert asked(platform) == ["1", "2", "3"]


@pytest.fixture
def held(platform, file, out):
    """A file of ten rows, the first four of which are answered and the others held back; and what runs it."""
    platform.freeze()
    platform.on("chat", nth=range(5, 100)).delay(1000)
    source = file([{"prompt": str(number)} for number in range(10)])
    arguments = ["batch", str(source), "-o", str(out), "--concurrency", "2"]

    def in_flight():
        return len(platform.calls("chat")) == 6 and len(recorded(out)) == 4

    return arguments, in_flight


def recorded(out):
    """Return the lines of a checkpoint that hold an outcome."""
    return [row for row in rows(checkpoint(out)) if "id" in row] if checkpoint(out).exists() else []


def whole(batch, out, arguments):
    """Go on with a run; see that its output is whole and no row was lost; return its report."""
    done = batch(*arguments[1:], "--resume", "--json")
    assert done.returncode == 0, done.stderr
    assert [row["prompt"] for row in rows(out)] == [str(number) for number in range(10)]
    assert all(row["result"] for row in rows(out))
    return json.loads(done.stdout)


@posix
def test_killed(batch, platform, held, out):
    """After kill -9, --resume asks for what has no outcome: only what was in flight is asked twice."""
    arguments, in_flight = held
    with started(*arguments, **platform.environment) as process:
        until(in_flight)
        process.kill()
        process.wait(PATIENCE)
    assert not out.exists()
    platform.faults.clear()
    report = whole(batch, out, arguments)

    assert (report["recorded"], report["asked_again"]) == (4, 2)
    assert asked(platform) == sorted([*map(str, range(10)), *"45"])


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped(batch, platform, held, out, number):
    """Ctrl-C asks for no more and waits for what is in flight; what there is is kept, and --resume goes on."""
    arguments, in_flight = held
    with started(*arguments, **platform.environment) as process:
        until(in_flight)
        process.send_signal(number)
        assert "正在停止" in process.stderr.readline().decode()
        platform.unfreeze()
        platform.faults.clear()
        platform.advance(1001)
        stdout, stderr = (stream.decode() for stream in process.communicate(timeout=PATIENCE))

    assert process.returncode == 130, stderr
    assert "--resume" in stderr
    assert "6 行：成功 6，失败 0" in stdout
    partial = out.with_name("out.jsonl.partial")
    assert [row["prompt"] for row in rows(partial)] == ["0", "1", "2", "3", "4", "5"]
    assert not out.exists()
    report = whole(batch, out, arguments)
    assert (report["recorded"], report["asked_again"]) == (6, 0)
    assert not partial.exists()
    assert asked(platform) == [str(number) for number in range(10)]


@posix
def test_stopped_at_once(batch, platform, held, out):
    """A second Ctrl-C waits for nothing; what was in flight is asked again."""
    arguments, in_flight = held
    with started(*arguments, **platform.environment) as process:
        until(in_flight)
        process.send_signal(signal.SIGINT)
        assert "正在停止" in process.stderr.readline().decode()
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)

    assert process.returncode == 130
    platform.faults.clear()
    report = whole(batch, out, arguments)
    assert (report["recorded"], report["asked_again"]) == (4, 2)


@posix
def test_two_runs_with_one_output(batch, platform, held, out):
    """A second run with the same output is refused, and does not disturb the first."""
    arguments, in_flight = held
    with started(*arguments, **platform.environment) as process:
        until(in_flight)
        line = one_line(batch(*arguments[1:], "--resume"), 2)
        restarted = one_line(batch(*arguments[1:], "--restart"), 2)
        platform.unfreeze()
        platform.faults.clear()
        platform.advance(1001)
        process.communicate(timeout=PATIENCE)

    assert "in use" in line
    assert "in use" in restarted
    assert process.returncode == 0
    assert [row["prompt"] for row in rows(out)] == [str(number) for number in range(10)]


def test_a_budget(batch, platform, file, out):
    """A budget ends the run before it is passed: what there is is kept, the code is 3, and --resume goes on."""
    source = file([{"prompt": str(number)} for number in range(10)])
    done = batch(source, "-o", out, "--max-requests", "4", "--json")
    report = json.loads(done.stdout)

    assert done.returncode == 3
    assert (report["stopped"], report["complete"], report["rows"], report["output"]) == (
        "budget",
        False,
        4,
        None,
    )
    assert "--resume" in done.stderr
    assert len(platform.calls("chat")) == 4
    assert len(rows(Path(report["partial"]))) == 4
    assert batch(source, "-o", out, "--resume", "--max-tokens", "1000000").returncode == 0
    assert len(rows(out)) == 10
    assert len(platform.calls("chat")) == 10


# What is shown


def test_silence(batch, file, out):
    """--quiet prints nothing; the exit code and the file say it all."""
    done = batch(file('"你好"\n'), "-o", out, "--quiet")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_report_for_scripts(batch, file, out):
    """--json prints the summary as JSON."""
    done = batch(file('"你好"\nx\n'), "-o", out, "--json", "--price-input", "1", "--price-output", "2")
    report = json.loads(done.stdout)

    assert (done.returncode, done.stderr) == (1, "")
    assert (report["output"], report["checkpoint"]) == (str(out), str(checkpoint(out)))
    assert (report["rows"], report["done"], report["failed"], report["stopped"]) == (2, 1, 1, None)
    assert report["failures"][0]["lines"] == [2]
    usage = rows(out)[0]["usage"]
    assert report["cost"] == (usage["prompt_tokens"] + 2 * usage["completion_tokens"]) / 1000


@posix
def test_at_a_terminal(platform, held):
    """At a terminal a bar shows rows, tokens and how many requests are in flight; Ctrl-C shows there too."""
    arguments, in_flight = held
    terminal = Terminal(*arguments, "--price-input", "1", **platform.environment, TERM="xterm")
    try:
        until(in_flight)
        terminal.see("4/10 行")
        terminal.see("元")
        terminal.type("\x03")
        terminal.see("正在停止")
        platform.unfreeze()
        platform.faults.clear()
        platform.advance(1001)
        terminal.see("6 行：成功 6")
        assert terminal.end() == 130
    finally:
        terminal.close()


def test_help_is_light():
    """`qianfan --help` loads neither pyarrow nor asyncio nor what only a batch needs."""
    code = (
        "import sys\nsys.argv = ['qianfan', '--help']\nfrom qianfan.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in {'pyarrow', 'asyncio', 'sqlite3'}"
        " or name.startswith('qianfan.bulk') or name.startswith('qianfan.cli.batch.')))"
    )
    done = run(command=[sys.executable, "-c", code])

    assert done.stdout.splitlines()[-1] == "['qianfan.cli.batch.command']"
    assert "batch" in done.stdout


def test_the_kinds_are_those_of_the_package():
    """The kinds that the command knows are those that `client.map` knows."""
    from qianfan.bulk.job import KINDS
    from qianfan.cli.batch.asking import WORDS
    from qianfan.cli.batch.command import Kind

    assert {kind.value for kind in Kind} == set(WORDS) == set(KINDS)
    assert {name: kind.word for name, kind in KINDS.items()} == WORDS


# The guide

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/guides/batch.md"

#: What differs from one run to the next.
_TIMES = re.compile(r'用时 .*|"seconds": [\d.]+')


def sessions(text, folder):
    """Return what the console blocks of a page show, and what a shell in a folder with the examples shows."""
    shown, seen = [], []
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            done = subprocess.run(
                command,
                shell=True,
                cwd=folder,
                env=environment(PATH=path),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                timeout=PATIENCE,
                check=False,
            )
            shown.append(f"$ {command}\n{output}")
            seen.append(f"$ {command}\n{done.stdout}")
    return shown, seen


@posix
def test_the_guide_shows_what_happens(tmp_path):
    """Every command of the guide, one after the other, prints what the guide shows, times apart."""
    shutil.copytree(ROOT / "examples/data", tmp_path / "examples/data")
    shown, seen = sessions(GUIDE.read_text("utf-8"), tmp_path)

    assert [_TIMES.sub("", text) for text in seen] == [_TIMES.sub("", text) for text in shown]
