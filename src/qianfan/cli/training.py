"""The job that `finetune run` asks for: a file or the usual values, and the options over them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from qianfan.cli.ending import say
from qianfan.cli.values import identifier
from qianfan.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from qianfan.cli.account import Account

BASE, TRAIN_TYPE = "ERNIE-Bot-turbo", "ERNIE-Bot-turbo-0725"

_DATE = re.compile(r"-\d{4}$")  # of a train type
_DATASET = re.compile(r"[0-9]+|ds-[0-9A-Za-z]+")  # an id; anything else is a file
_ON_THE_PLATFORM = 1  # a trainset's type


def described(
    file: Path | None, options: Mapping[str, Any], more: Mapping[str, Any], datasets: list[str]
) -> dict[str, Any]:
    """Return a job's body, still without the `trainset` that datasets make.

    Args:
        file: Holds a body; without one there are the usual values.
        options: Fields by their path, such as `trainConfig.epoch`; None is not given.
        more: Further fields, likewise.
        datasets: What is to be its `trainset`, if not the file's.

    Raises:
        InvalidArgumentError: The file is no JSON object, a path leads through what is none, or there is no
            task or dataset.
    """
    job = _read(file) if file else _usual(options["baseTrainType"], options["trainType"])
    for path, value in {**options, **more}.items():
        if value is not None:
            _put(job, path, value)
    for given, option in ((job.get("taskId"), "--task"), (datasets or job.get("trainset"), "--dataset")):
        if not given:
            raise InvalidArgumentError(f"缺少 {option} ({option} is missing)")
    return job


def trainset(own: Account, datasets: list[str]) -> list[dict[str, Any]]:
    """Return a job's `trainset`; files become datasets of the local platform.

    Raises:
        InvalidArgumentError: A file cannot be read, or is none of the local platform's.
    """
    return [{"type": _ON_THE_PLATFORM, "id": _dataset(own, given)} for given in datasets]


def _dataset(own: Account, given: str) -> Any:
    if _DATASET.fullmatch(given):
        return identifier(given)
    if own.platform is None:
        raise InvalidArgumentError(
            f"--dataset {given!r} 不是数据集的 id，文件只能与 --local 同用 (is no id; files work with --local only)"
        )
    try:
        dataset = own.platform.add_dataset(given)
    except (OSError, ValueError) as error:
        raise InvalidArgumentError(f"--dataset: {error}") from None
    say(f"数据集 {dataset.name}：id {dataset.id}，{dataset.count} 条", style="dim")
    return dataset.id


def _usual(base: str | None, train_type: str | None) -> dict[str, Any]:
    """Return the values of a job about which nothing but its base model may be known."""
    from qianfan.console.checks import TRAINS

    if train_type is None:
        train_type = base if base and base != BASE else TRAIN_TYPE
    train = TRAINS.get(train_type)
    config: dict[str, Any] = {"epoch": 4, "learningRate": 0.00002}
    if train is not None and train.max_seq_len:
        config["maxSeqLen"] = train.max_seq_len[0]
    return {
        "baseTrainType": base or _DATE.sub("", train_type),
        "trainType": train_type,
        "trainMode": "SFT",
        "peftType": "LoRA" if train is None or "LoRA" in train.peft else train.peft[0],
        "trainConfig": config,
        "trainsetRate": 20,
    }


def _read(file: Path) -> dict[str, Any]:
    try:
        job = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise InvalidArgumentError(f"--file {file} 不是 JSON (is no JSON): {error}") from None
    if not isinstance(job, dict):
        raise InvalidArgumentError(f"--file {file} 不是 JSON 对象 (is no JSON object)")
    return job


def _put(job: dict[str, Any], path: str, value: Any) -> None:
    *above, name = path.split(".")
    for part in above:
        job = job.setdefault(part, {})
        if not isinstance(job, dict):
            raise InvalidArgumentError(f"{path}: {part} 不是对象 (is no object)")
    job[name] = value
