"""The run itself: begun, followed row by row, stopped by Ctrl-C, and ended with its files in order."""

from __future__ import annotations

import signal
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any

from qianfan import catalog
from qianfan.cli.account import caller
from qianfan.cli.batch import planning, writing
from qianfan.cli.batch.dry import refuse_bad
from qianfan.cli.batch.progress import progress
from qianfan.cli.batch.summary import Ending, show
from qianfan.cli.batch.tally import Tally
from qianfan.errors import BudgetExceededError, BulkStoppedError, InvalidArgumentError, WorkersLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from types import FrameType

    from qianfan.bulk.ray.engine import RayEngine
    from qianfan.bulk.results import Results
    from qianfan.cli.batch.options import Options
    from qianfan.cli.batch.planning import Files, Questions
    from qianfan.cli.batch.progress import Progress
    from qianfan.cli.batch.tally import Prices
    from qianfan.cli.batch.writing import Writer
    from qianfan.client import Qianfan
    from qianfan.settings import ClientArguments


def run(asked: Questions, options: Options, prices: Prices) -> int:
    """Ask for all rows, write the answers and say what came of it; return the exit code."""
    files, engine = planning.files(options), _engine(options)
    if options.strict:
        refuse_bad(asked)
    total = asked.total()
    opened = writing.opener(files.output, asked.source, asked.rows(), asked.answers.columns)
    with (
        _settings(options) as settings,
        caller(
            options.endpoint, options.local, options.state, settings=settings, version=_local_version(asked)
        ) as client,
    ):
        if options.restart:
            planning.forget(files.checkpoint)
        with (
            _budget(client, options),
            begun(client, asked, files, options, engine) as results,
            progress(total, prices, quiet=options.quiet or options.as_json) as shown,
        ):
            ending = _followed(results, asked, opened, shown)
        ending.usage = client.usage
    ending.complete = ending.failure is None and (not ending.interrupted or ending.tally.rows >= total)
    if ending.complete and ending.writer is not None:
        ending.writer.finish()
    show(ending, files, prices, options)
    return ending.code


def begun(
    client: Qianfan, asked: Questions, files: Files, options: Options, engine: str | RayEngine
) -> Results:
    """Return the outcomes of a run, in order."""
    return client.map(
        asked.rows(),
        asked.asking.kind,
        prompt=asked.asking,
        ids=asked.ids,
        concurrency=options.concurrency,
        checkpoint=files.checkpoint,
        retry_failed=options.retry_failed,
        engine=engine,
        **asked.parameters,
    )


def _engine(options: Options) -> str | RayEngine:
    """Return who carries the calls out, or raise `InvalidArgumentError`."""
    if options.engine == "local":
        if options.workers is not None:
            raise InvalidArgumentError("--workers 要与 --engine ray 同用 (goes with --engine ray)")
        return options.engine
    from qianfan.bulk.ray.engine import RayEngine

    return RayEngine(options.address, options.workers)


@contextmanager
def _settings(options: Options) -> Iterator[ClientArguments]:
    """Give the settings of the client: its time for a call, and limits, which others may share."""
    settings: ClientArguments = {}
    if options.timeout is not None:  # not of the calls: with another one they are the same questions
        settings["request_timeout"] = options.timeout
    if options.redis is None:
        yield {
            **settings,
            "query_per_second": options.qps,
            "request_per_minute": options.rpm,
            "token_per_minute": options.tpm,
        }
        return
    from qianfan.drivers.redis_limiter import RedisRateLimiter

    limiter = RedisRateLimiter(
        options.redis,
        query_per_second=options.qps,
        request_per_minute=options.rpm,
        token_per_minute=options.tpm,
        name=options.redis_name,
    )
    try:
        yield {**settings, "rate_limiter": limiter}
    finally:
        limiter.close()


def _local_version(asked: Questions) -> int:
    """Return the API that a local platform is called by: v2 where rows or the model are of it."""
    kind, model = asked.asking.kind, asked.parameters.get("model")
    only_v2 = model is not None and catalog.find_v2(kind, model) and not catalog.find(kind, model)
    return 2 if asked.asking.openai or only_v2 else 1


def _budget(client: Qianfan, options: Options) -> AbstractContextManager[Any]:
    if options.max_tokens is None and options.max_requests is None:
        return nullcontext()
    return client.budget(tokens=options.max_tokens, requests=options.max_requests)


def _followed(results: Results, asked: Questions, opened: Callable[[], Writer], shown: Progress) -> Ending:
    """Write each row as its turn comes, until all are written or the run ends early."""
    ending = Ending(Tally(), results.report)
    try:
        with _stoppable(results, shown) as stopped:
            for outcome in results:
                if ending.writer is None:  # not before: only now is the checkpoint this run's own
                    ending.writer = opened()
                ending.writer.write(asked.answers.row(outcome), outcome.input.number)
                ending.tally.count(outcome)
                shown.show(ending.tally.rows, results.report)
                if stopped():  # again: a signal may have come before there was anything to stop
                    results.stop()
            ending.interrupted = stopped()
        if ending.writer is not None:
            ending.writer.close()
    except (BudgetExceededError, BulkStoppedError, WorkersLostError, OSError) as error:
        ending.failure = error
    finally:
        if ending.writer is not None:
            with suppress(OSError):  # a full disk stays full
                ending.writer.close()
    return ending


@contextmanager
def _stoppable(results: Results, shown: Progress) -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C stop a run once what is in flight has come in, and a second one at once.

    SIGTERM, which ends a container or a service, does the same.
    """
    signals: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # as handlers are called
        signals.append(number)
        if len(signals) > 1:
            raise KeyboardInterrupt
        results.stop()
        shown.stop(f"正在停止：等待在途的 {results.report.in_flight} 个请求；再按一次 Ctrl-C 立即退出")

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(signals)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
