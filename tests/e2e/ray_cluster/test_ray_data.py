"""Datasets of Ray: read, asked and written by workers that each hold one client."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest
from support.workers import processes

import qianfan
from qianfan import errors

pytestmark = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning"
)  # of Ray Data's own


@pytest.fixture
def rows(cluster, tmp_path):  # noqa: ARG001  # it has to be there
    """A folder of Parquet files with 60 rows."""
    import pyarrow as pa
    from pyarrow import parquet

    folder = tmp_path / "in"
    folder.mkdir()
    for part in range(3):
        ids = list(range(part * 20, part * 20 + 20))
        table = pa.table({"id": ids, "text": [f"问{number}" for number in ids]})
        parquet.write_table(table, folder / f"{part}.parquet")
    return folder


def read(folder):
    """Return a dataset of a folder."""
    import ray.data

    ray.data.DataContext.get_current().enable_progress_bars = False
    return ray.data.read_parquet(str(folder), override_num_blocks=3)


def answered(folder, client, **options):
    """Return the rows with their answers, by id."""
    from qianfan.bulk.ray.data import answered

    options = {"prompt": lambda row: row["text"], "batch_size": 10, **options}
    got = answered(read(folder), client, **options).take_all()
    assert len({row["id"] for row in got}) == len(got)
    return {row["id"]: row for row in got}


def test_rows_and_answers(echo, rows, tmp_path):
    """Each row has its answer, in files that Ray has written; the columns before are as they were."""
    from pyarrow import parquet

    from qianfan.bulk.ray.data import answered

    with echo.client() as client:
        dataset = answered(read(rows), client, lambda row: row["text"], batch_size=7)
        dataset.write_parquet(str(tmp_path / "out"))
    table = parquet.read_table(tmp_path / "out").sort_by("id").to_pylist()

    assert table == [
        {"id": number, "text": f"问{number}", "result": f"答：问{number}", "error": None}
        for number in range(60)
    ]


def test_errors_are_values(echo, rows):
    """A row that fails has no answer, and says why."""
    with echo.client() as client:
        got = answered(rows, client, prompt=lambda row: row["text"] if row["id"] else 5)

    assert got[0]["result"] is None
    assert "int is no input of chat" in got[0]["error"]
    assert all(got[number]["error"] is None for number in range(1, 60))


def test_embeddings(platform, rows):
    """Vectors are lists of numbers, of requests that texts share."""
    with platform.client() as client:
        got = answered(rows, client, kind="embedding", batch_size=20)

    assert {len(row["result"]) for row in got.values()} == {384}
    assert len(platform.calls("embedding")) < 30


def test_goes_on(echo, rows, tmp_path):
    """The same run again asks nothing; one that lost some of its files asks for these alone."""
    folder = tmp_path / "checkpoint"
    with echo.client() as client:
        first = answered(rows, client, checkpoint=folder)
        assert len(echo.calls("chat")) == 60
        assert answered(rows, client, checkpoint=folder) == first
        assert len(echo.calls("chat")) == 60
        next(iter(folder.iterdir())).unlink()
        assert answered(rows, client, checkpoint=folder) == first

    assert len(echo.calls("chat")) == 70


def test_a_worker_is_killed(start, rows, tmp_path):
    """Killed with -9 in mid-run, a worker is started anew; only what it had in flight is asked again."""
    platform = start()
    victims = []

    def answer(request):
        if not victims and len(platform.calls("chat")) > 20:
            victims.extend(processes("MapWorker"))
            for victim in victims[:1]:
                os.kill(victim, signal.SIGKILL)
        return "答：" + request.text

    platform.reply(with_=answer)
    with platform.client() as client:
        got = answered(rows, client, checkpoint=tmp_path / "checkpoint", concurrency=4)

    assert victims
    assert {number: row["result"] for number, row in got.items()} == {
        number: f"答：问{number}" for number in range(60)
    }
    asked = Counter(call.messages[-1]["content"] for call in platform.calls("chat"))
    assert sum(asked.values()) - 60 <= 4


@pytest.mark.usefixtures("cluster")
def test_limits_of_one_process(platform):
    """Limits that each worker would have for itself are refused before anything is read."""
    from qianfan.bulk.ray.data import answered

    with (
        platform.client(query_per_second=5) as client,
        pytest.raises(errors.InvalidArgumentError, match="RedisRateLimiter"),
    ):
        answered(None, client, lambda row: row)
    shared = qianfan.RedisRateLimiter("redis://localhost:1", query_per_second=5)
    with (
        platform.client(rate_limiter=shared) as client,
        pytest.raises(errors.InvalidArgumentError, match="kind"),
    ):
        answered(None, client, lambda row: row, "image")
    shared.close()


@pytest.mark.parametrize(("kind", "type_"), [("chat", "string"), ("embedding", "list<item: double>")])
def test_a_batch_that_fails_whole(platform, kind, type_):
    """Its columns are of the same types as all others', since files of a folder are read as one."""
    import pyarrow as pa

    from qianfan.bulk.ray.data import Answering

    batch = pa.table({"text": ["一", "二"]})
    with platform.client() as client:
        failed, well = (
            Answering(client, prompt, kind, 4, None, "result", {})(batch)
            for prompt in (lambda _: 5, lambda row: row["text"])
        )

    assert failed.schema == well.schema
    assert str(failed.schema.field("result").type) == type_
