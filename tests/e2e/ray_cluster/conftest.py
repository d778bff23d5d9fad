"""A small Ray cluster on this machine for the tests of this folder; where there is no Ray, they are skipped."""

from __future__ import annotations

import gc
import logging
import os
from importlib.util import find_spec
from pathlib import Path

import pytest


def pytest_collection_modifyitems(items):
    """Skip the tests of this folder where there is no Ray."""
    if find_spec("ray") is None:
        missing = pytest.mark.skip(reason="no Ray: scripts/setup ray")
        for item in items:
            if item.path.parent.name == "ray_cluster":
                item.add_marker(missing)


@pytest.fixture(scope="module")  # not longer: what comes later should not run beside one
def cluster():
    """A cluster of two CPUs, which this process is in; return the directory of its logs."""
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    formatters = [(handler, handler.formatter) for handler in logging.getLogger().handlers]  # pytest's
    factory = logging.getLogRecordFactory()
    context = ray.init(
        "local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
    )
    yield Path(context.address_info["session_dir"]) / "logs"
    ray.shutdown()
    logging.setLogRecordFactory(factory)
    for handler, formatter in formatters:
        handler.setFormatter(formatter)  # Ray has set its own
    gc.collect()
    gc.freeze()  # what Ray and pandas leave is not to be looked through after each of the tests to come


@pytest.fixture
def file(tmp_path):
    """Where a checkpoint is to be."""
    return tmp_path / "run.jsonl"
