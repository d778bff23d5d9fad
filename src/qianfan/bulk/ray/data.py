"""Datasets of Ray: each worker holds one client, and asks for the rows that Ray Data brings to it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from qianfan.bulk import start
from qianfan.bulk.many import MOST
from qianfan.bulk.ray.session import library
from qianfan.drivers.redis_limiter import RedisRateLimiter
from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from qianfan.bulk.outcome import Outcome
    from qianfan.client import Qianfan


#: What a worker takes of a machine: it waits most of the time, and reading and writing need some too.
_CPUS = 0.5


def answered(
    dataset: Any,
    client: Qianfan,
    prompt: Callable[[dict[str, Any]], Any],
    kind: str = "chat",
    *,
    workers: int = 2,
    batch_size: int = 256,
    concurrency: int = MOST,
    checkpoint: str | os.PathLike[str] | None = None,
    field: str = "result",
    options: Mapping[str, Any] | None = None,
    **parameters: Any,
) -> Any:
    """Return a dataset of Ray with the columns `result` and `error` added.

    It is as lazy as Ray's own: requests go out when it is written or iterated. Rows are read, and answers
    written, by the machines of the cluster; none passes this process. Budgets and `usage` of the client do not hold
    there, and its limits have to be shared by Redis.

    Args:
        dataset: A `ray.data.Dataset`, such as `ray.data.read_parquet(...)`.
        client: Whose settings hold; each worker gets one like it, keys among its settings.
        prompt: A function that makes of a row, a dict, what is asked.
        kind: What is asked: `chat`, `completion` or `embedding`.
        workers: Most workers, each an actor, from 1; there are as many as batches wait for.
        batch_size: Rows that a worker is given at a time, from 1.
        concurrency: Most inputs that a worker has in flight, from 1.
        checkpoint: A folder that all machines see, in which answers are recorded: a worker that is lost, and a
            run that is killed, cost what was in flight. Rows are known again by their batch, so the next run takes
            the same files and the same `batch_size`.
        field: The name of the column for answers: texts, or the vectors of embeddings.
        options: What Ray is told of the workers, such as `{"num_cpus": 0.5}`.
        **parameters: What all calls have.

    Raises:
        InvalidArgumentError: An argument does not fit, or the client's limits are this process's own.
    """
    limiter = client._settings.limiter  # noqa: SLF001  # what travels with it
    if limiter is not None and not isinstance(limiter, RedisRateLimiter):
        raise InvalidArgumentError(
            "each worker would keep the client's limits for itself alone",
            hint="rate_limiter=qianfan.RedisRateLimiter(...) holds for all of them together",
        )
    start.plan(kind, None, None, prompt, None, concurrency, True, None, False, "local", parameters)
    folder = None if checkpoint is None else Path(checkpoint)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    return dataset.map_batches(
        Answering,
        fn_constructor_args=(client, prompt, kind, concurrency, folder, field, parameters),
        batch_size=batch_size,
        batch_format="pyarrow",
        compute=library().data.ActorPoolStrategy(min_size=1, max_size=workers),
        **{"num_cpus": _CPUS, **(options or {})},
    )


@dataclass
class Answering:
    """Asks for the rows of batches, one batch after another; an actor of Ray Data."""

    client: Qianfan
    prompt: Callable[[dict[str, Any]], Any]
    kind: str
    concurrency: int
    checkpoint: Path | None
    field: str
    parameters: dict[str, Any]

    def __call__(self, batch: Any) -> Any:
        """Return a batch, a `pyarrow.Table`, with the answers to its rows."""
        import pyarrow as pa  # type: ignore[import-untyped]  # it has no types

        rows = batch.to_pylist()
        outcomes = list(
            self.client.map(
                rows,
                self.kind,
                prompt=self.prompt,
                concurrency=self.concurrency,
                checkpoint=self._file(rows),
                **self.parameters,
            )
        )
        # Named, as in a batch where all fail there is nothing to tell it by.
        read, kind = (_vector, pa.list_(pa.float64())) if self.kind == "embedding" else (_text, pa.string())
        answers = [None if it.response is None else read(it) for it in outcomes]
        kept = batch.append_column(self.field, pa.array(answers, kind))
        return kept.append_column("error", pa.array([_said(it) for it in outcomes], pa.string()))

    def _file(self, rows: list[dict[str, Any]]) -> Path | None:
        """Return the checkpoint of a batch: the same for the same rows, on whichever machine."""
        if self.checkpoint is None:
            return None
        said = orjson.dumps(rows, default=repr, option=orjson.OPT_NON_STR_KEYS)
        return Path(self.checkpoint, hashlib.blake2b(said, digest_size=12).hexdigest() + ".jsonl")


def _text(outcome: Outcome) -> Any:
    return outcome.unwrap().get("result")


def _vector(outcome: Outcome) -> Any:
    return outcome.unwrap()["data"][0]["embedding"]


def _said(outcome: Outcome) -> str | None:
    return None if outcome.error is None else str(outcome.error)
