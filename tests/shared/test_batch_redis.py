"""`qianfan batch --redis`: a rate limit that several commands keep together."""

from __future__ import annotations

import json

import pytest
from support.commands import one_line, run

import qianfan


@pytest.fixture
def batch(tmp_path):
    """Run `qianfan batch` for two rows against a platform, into an output of its own."""
    source = tmp_path / "in.jsonl"
    source.write_text('"a"\n"b"\n')

    with qianfan.local.platform() as platform:

        def batch(name, *options, **env):
            out = tmp_path / f"{name}.jsonl"
            return run(
                "batch", str(source), "-o", str(out), "--json", *options, **{**platform.environment, **env}
            )

        yield batch


def test_the_limits_of_a_name_are_shared(batch, shared_redis):
    """Commands with one Redis and one name keep one limit: another limit under that name is refused."""
    first = batch("first", "--redis", shared_redis.url, "--redis-name", "batch", "--qps", "1000")
    other = batch("other", "--redis", shared_redis.url, "--redis-name", "batch", "--qps", "500")
    apart = batch("apart", "--redis-name", "apart", "--qps", "500", QIANFAN_REDIS_URL=shared_redis.url)

    assert [done.returncode for done in (first, other, apart)] == [0, 1, 0], other.stderr
    assert {failures["type"] for failures in json.loads(other.stdout)["failures"]} == {"InvalidArgumentError"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--redis", "redis://127.0.0.1"], "needs a limit"),
        (["--redis", "http://u:s3cret@127.0.0.1", "--qps", "1"], "redis://"),
    ],
)
def test_wrong_use(batch, options, words):
    """Without a limit there is nothing to share, and an address that is none is refused without its password."""
    line = one_line(batch("wrong", *options), 2)

    assert words in line
    assert "s3cret" not in line
