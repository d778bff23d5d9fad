"""The command `qianfan batch` and its options."""

from __future__ import annotations

from enum import Enum
from pathlib import Path  # noqa: TC003  # typer reads the annotations
from typing import Annotated, Any

import typer

from qianfan.cli import parameters  # noqa: TC001  # typer reads the annotations
from qianfan.cli.ending import clean_ending
from qianfan.cli.models import names


class Kind(str, Enum):
    """What is asked for."""

    chat = "chat"
    completion = "completion"
    embedding = "embedding"


class Engine(str, Enum):
    """Who sends the requests."""

    local = "local"
    ray = "ray"


def batch(
    source: Annotated[
        Path,
        typer.Argument(
            help="输入：.jsonl .csv .tsv .parquet；除 Parquet 外可再以 .gz 压缩。",
            exists=True,
            dir_okay=False,
            metavar="INPUT",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="输出：.jsonl .csv .tsv .parquet。", metavar="FILE"),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option("--prompt", help="由各列组成的提示词，如“翻译成英文：{text}”。")
    ] = None,
    prompt_file: Annotated[
        Path | None,
        typer.Option(help="从文件读取提示词。", exists=True, dir_okay=False, metavar="FILE"),
    ] = None,
    system: Annotated[
        str | None, typer.Option("--system", "-s", help="模型人设；与 --prompt 同用时也可含 {列名}。")
    ] = None,
    kind: Annotated[Kind | None, typer.Option(help="问什么；默认 chat，或由输入的 url 决定。")] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", help="模型名；行里写了的以行为准。", autocompletion=names),
    ] = None,
    endpoint: parameters.Endpoint = None,
    temperature: parameters.Temperature = None,
    top_p: parameters.TopP = None,
    penalty_score: parameters.PenaltyScore = None,
    max_output_tokens: Annotated[int | None, typer.Option(help="每个回答的最多 token 数。")] = None,
    param: parameters.Param = None,
    timeout: Annotated[float | None, typer.Option(help="每次调用的秒数，含重试。")] = None,
    id_column: Annotated[
        str | None,
        typer.Option("--id", help="作为 id 的列：行的次序可变时用它认出同一行。", metavar="COLUMN"),
    ] = None,
    field: Annotated[str, typer.Option(help="回答在输出里的列名。", metavar="COLUMN")] = "result",
    encoding: Annotated[str, typer.Option(help="输入的编码，如 gb18030。")] = "utf-8",
    concurrency: Annotated[int, typer.Option(help="同时在途的最多请求数；被限流时自动减少。", min=1)] = 64,
    limit: Annotated[int | None, typer.Option(help="只做前几行。", min=1)] = None,
    qps: Annotated[float | None, typer.Option(help="每秒最多请求数。")] = None,
    rpm: Annotated[float | None, typer.Option(help="每分钟最多请求数。")] = None,
    tpm: Annotated[float | None, typer.Option(help="每分钟最多 token 数。")] = None,
    redis: Annotated[
        str | None,
        typer.Option(
            envvar="QIANFAN_REDIS_URL",
            show_envvar=True,
            help="与其他进程、机器合用以上限速：redis://…；有口令时宜放在环境变量里。",
        ),
    ] = None,
    redis_name: Annotated[
        str, typer.Option(help="合用的限速的名字，如应用与模型；同名的合在一起。")
    ] = "default",
    max_tokens: Annotated[
        int | None, typer.Option(help="预算：本次运行最多用去的 token，超出之前停止。", min=1)
    ] = None,
    max_requests: Annotated[int | None, typer.Option(help="预算：本次运行最多的请求数。", min=1)] = None,
    price_input: Annotated[
        float | None, typer.Option(help="输入的单价，元/千 token；给出后估计费用。", min=0)
    ] = None,
    price_output: Annotated[float | None, typer.Option(help="回答的单价，元/千 token。", min=0)] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="检查每一行，估计 token 与时间，什么也不发送，不需要密钥。")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="先检查每一行，有一行不合格就什么也不发送。")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="接着先前的运行，已有结果的不再询问。")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="接着先前的运行，并重试其中失败的行。")
    ] = False,
    restart: Annotated[bool, typer.Option("--restart", help="丢弃先前运行的记录，重新开始。")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", "--force", help="覆盖已有的输出。")] = False,
    engine: Annotated[
        Engine, typer.Option(help="由谁发出请求：本进程 local，或 Ray 集群上的工作进程 ray。")
    ] = Engine.local,
    address: Annotated[
        str | None,
        typer.Option(
            envvar="RAY_ADDRESS",
            show_envvar=True,
            help="Ray 集群的地址，如 10.0.0.1:6379，或本机上的 auto；没有时在本机启动一个。",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="工作进程的个数；默认集群里每个 CPU 一个。", min=1)
    ] = None,
    local: parameters.Local = False,
    state: parameters.State = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="以 JSON 输出总结，不显示进度，供脚本使用。")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="不显示进度与总结。")] = False,
) -> None:
    """批量推理：逐行询问一个文件，结果按原来的次序写入另一个文件；随时可以中断，--resume 接着做。

    退出码：0 全部成功，1 有行失败，2 用法有误，3 预算用完或连续失败而提前停止，130 被中断。
    """
    given: dict[str, Any] = {**locals(), "kind": kind and kind.value, "engine": engine.value}
    with clean_ending():
        from qianfan.cli.batch.options import Options

        raise typer.Exit(_done(Options(**given)))


def _done(options: Any) -> int:
    """Do what the options say, and return the exit code."""
    from qianfan.cli.batch.dry import dry_run
    from qianfan.cli.batch.planning import questions
    from qianfan.cli.batch.running import run
    from qianfan.cli.batch.tally import Prices

    asked = questions(options)
    prices = Prices(options.price_input, options.price_output)
    if options.dry_run:
        return 0 if dry_run(asked, options, prices) else 1
    return run(asked, options, prices)
