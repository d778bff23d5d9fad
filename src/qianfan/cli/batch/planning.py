"""What is asked of which rows, and where the answers go: all that is settled before anything is asked."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from qianfan.bulk.checkpoint import Checkpoint
from qianfan.cli.batch import reading, writing
from qianfan.cli.batch.answers import Answers, OpenAIAnswers
from qianfan.cli.batch.asking import ASKS, Asking, kind_of, openai_line
from qianfan.cli.batch.template import Template
from qianfan.cli.parameters import model_parameters
from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from qianfan.cli.batch.options import Options
    from qianfan.cli.batch.reading import Row, Source

#: Rows that are looked at to learn the columns of JSONL.
_SAMPLE = 100

#: Options that steer how a model writes.
_WRITING = ("system", "temperature", "top_p", "penalty_score", "max_output_tokens")


class Questions(NamedTuple):
    """What is asked.

    Attributes:
        source: The input.
        limit: How many of its rows, or None for all.
        asking: Makes of a row the arguments of its call.
        parameters: The arguments that all calls have.
        answers: Makes rows of the output.
    """

    source: Source
    limit: int | None
    asking: Asking
    parameters: dict[str, Any]
    answers: Answers

    def rows(self) -> Iterator[Row]:
        """Read the rows."""
        return islice(self.source.rows(), self.limit)

    def total(self) -> int:
        """Return how many rows there are."""
        count = self.source.count()
        return count if self.limit is None else min(count, self.limit)

    @property
    def ids(self) -> Any:
        """What makes of a row its id; None where that is its place."""
        return self.asking.id_of if self.asking.id_column else None


def questions(options: Options) -> Questions:
    """Return what the options ask of the input.

    Raises:
        InvalidArgumentError: Rows and options do not go together.
        OSError: A file cannot be read.
    """
    source = reading.source(options.source, options.encoding)
    first = list(islice(source.rows(), _SAMPLE))
    if not first:
        raise InvalidArgumentError(f"{options.source} 里没有行 (has no rows)")
    sample = [row.columns for row in first if not row.problem]
    if not sample:
        raise InvalidArgumentError(
            f"{options.source} 的前 {len(first)} 行都读不懂 (none of the first rows can be read)，"
            f"第 {first[0].number} 行 (line {first[0].number}): {first[0].problem}"
        )
    columns = list(source.columns or dict.fromkeys(name for row in sample for name in row))
    prompt = _prompt(options)
    openai = prompt is None and any(map(openai_line, sample))
    told = [kind_of(row) for row in sample if openai and openai_line(row)]
    kind = options.kind or next(filter(None, told), "chat")
    _check_kind(kind, options)
    answers = (OpenAIAnswers if openai and _ends(options.output, ".jsonl") else Answers)(kind, options.field)
    asking = Asking(
        kind,
        prompt,
        Template(options.system, "--system") if prompt and options.system else None,
        openai,
        options.id_column or ("custom_id" if openai else None),
        frozenset(answers.columns),
        isinstance(source, reading.Table),
        _ends(options.output, ".parquet"),
    )
    _check_columns(columns, asking)
    return Questions(source, options.limit, asking, _parameters(options, asking), answers)


def _prompt(options: Options) -> Template | None:
    if options.prompt_file is not None:
        if options.prompt is not None:
            raise InvalidArgumentError("--prompt 与 --prompt-file 只能给一个 (give one of them)")
        try:
            text = options.prompt_file.read_text(encoding="utf-8-sig").rstrip("\n")
        except UnicodeDecodeError:
            raise InvalidArgumentError(
                f"--prompt-file {options.prompt_file} 不是 UTF-8 文本 (no UTF-8)"
            ) from None
    elif options.prompt is not None:
        text = options.prompt
    else:
        return None
    template = Template(text, "--prompt")
    if not template.columns:
        raise InvalidArgumentError(
            "模板里没有 {列名}，每一行都会问同一个问题 (the prompt names no column)",
            hint='--prompt "翻译：{text}"',
        )
    return template


def _check_kind(kind: str, options: Options) -> None:
    given = [name for name in _WRITING if getattr(options, name) is not None]
    if kind == "embedding" and given:
        raise InvalidArgumentError(f"向量化没有 (an embedding has no) --{given[0].replace('_', '-')}")


def _check_columns(columns: list[str], asking: Asking) -> None:
    if asking.prompt is not None:
        asking.prompt.check(columns)
        if asking.system is not None:
            asking.system.check(columns)
    elif not asking.openai and not set(ASKS[asking.kind]) & set(columns):
        raise InvalidArgumentError(
            f"没有 {' / '.join(ASKS[asking.kind])} 这样的列，不知道问什么 (what is to be asked?)",
            hint=f'--prompt "…{{列名}}…"，列有 (columns): {", ".join(columns)}',
        )
    if asking.id_column and asking.id_column not in columns:
        raise InvalidArgumentError(f"--id {asking.id_column!r} 不是列名 (is no column): {', '.join(columns)}")
    asking.check_added(columns)


def _parameters(options: Options, asking: Asking) -> dict[str, Any]:
    given: dict[str, Any] = {name: getattr(options, name) for name in _WRITING}
    if asking.system is not None:
        del given["system"]
    given |= {"model": options.model, "endpoint": options.endpoint}
    return {
        **{name: value for name, value in given.items() if value is not None},
        **model_parameters(options.param),
    }


class Files(NamedTuple):
    """Where the answers go.

    Attributes:
        output: The file that they are in at the end.
        checkpoint: The file that the run survives by.
    """

    output: Path
    checkpoint: Path


def files(options: Options) -> Files:
    """Return where the answers go; nothing is changed yet.

    Raises:
        InvalidArgumentError: Something is in the way, or nothing can be written there.
    """
    output = options.output
    if output is None:
        raise InvalidArgumentError("缺少 -o 输出文件 (-o is missing)", hint="-o output.jsonl")
    writing.check(output)
    if not output.parent.is_dir() or not os.access(output.parent, os.W_OK):
        raise InvalidArgumentError(f"-o {output}: 目录不存在或不能写入 (cannot be written to)")
    if output.is_dir():
        raise InvalidArgumentError(f"-o {output} 是目录 (is a directory)")
    goes_on = options.resume or options.retry_failed
    if goes_on and options.restart:
        raise InvalidArgumentError("--restart 与 --resume、--retry-failed 不能同用 (cannot go together)")
    found = Files(output, output.with_name(f"{output.name}.checkpoint.jsonl"))
    for path in (*found, writing.partial_of(output)):
        if path.exists() and path.samefile(options.source):
            raise InvalidArgumentError(f"-o {output} 会覆盖输入 (would overwrite the input)")
    if found.checkpoint.exists() and not (goes_on or options.restart):
        raise InvalidArgumentError(
            f"{found.checkpoint} 里有先前一次运行的记录 (records an earlier run)",
            hint="--resume 接着运行，已有结果的不再询问；--restart 丢弃记录重新开始，已付费的会再付一次",
        )
    if output.exists() and not (options.overwrite or (goes_on and found.checkpoint.exists())):
        raise InvalidArgumentError(f"{output} 已存在 (exists)", hint="--overwrite 覆盖它，或换一个 -o")
    return found


def forget(checkpoint: Path) -> None:
    """Remove a checkpoint, unless a run uses it or it is none.

    Raises:
        InvalidArgumentError: It is not to be removed.
    """
    if checkpoint.exists():
        with Checkpoint(checkpoint):
            pass
        checkpoint.unlink()


def _ends(path: Path | None, suffix: str) -> bool:
    ends = (suffix, ".ndjson") if suffix == ".jsonl" else (suffix,)
    return path is not None and path.suffix.lower() in ends
