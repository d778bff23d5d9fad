"""What the console's services cannot take, told before anything is sent.

The ranges are those of the documentation of 2023; `validate=False` sends what they refuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Any, NamedTuple

from qianfan.errors import ArgumentNotFoundError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable

_HINT = "范围以平台文档为准，validate=False 则原样发送 (validate=False sends it as it is)"


class Range(NamedTuple):
    """The numbers a field takes, both ends among them."""

    low: float
    high: float


class Train(NamedTuple):
    """What a kind of training takes."""

    peft: tuple[str, ...] = ("ALL", "LoRA", "P-tuning")
    learning_rate: Range = Range(0.0000002, 0.0002)
    batch_size: Range | None = Range(4, 64)
    max_seq_len: tuple[int, ...] = ()


#: By `trainType`; what is not listed is left to the service.
TRAINS = {
    "ERNIE-Bot-turbo-0516": Train(peft=("ALL",), batch_size=Range(16, 64)),
    "ERNIE-Bot-turbo-0704": Train(learning_rate=Range(0.00001, 0.00004), batch_size=None),
    "ERNIE-Bot-turbo-0725": Train(
        peft=("ALL", "LoRA"),
        learning_rate=Range(0.00001, 0.00004),
        batch_size=None,
        max_seq_len=(4096, 8192),
    ),
    "BLOOMZ-7B": Train(),
    "Llama-2-7b": Train(),
}

EPOCH = Range(1, 50)
TRAINSET_RATE = Range(0, 50)
NAME = Range(2, 20)
DESCRIPTION = Range(0, 500)

_NORMAL = 0  # jobRunType; an incremental job takes its base model from another job
_DATASET, _BUCKET = 1, 2  # type of a trainset: of the platform, or in a bucket of one's own


def check_task(fields: Mapping[str, Any]) -> None:
    """Refuse a task without a name, or with a text of the wrong length."""
    _length(fields, "name", NAME)
    _length(fields, "description", DESCRIPTION)


def check_service(fields: Mapping[str, Any]) -> None:
    """Refuse a service whose texts are of the wrong length, or that has no instance."""
    _length(fields, "name", NAME)
    _length(fields, "uri", NAME)
    _length(fields, "description", DESCRIPTION)
    _one_of(fields, "poolType", (1, 2))
    if fields.get("replicas") is not None:
        _number(fields, "replicas", Range(1, inf), whole=True)


def check_publish(fields: Mapping[str, Any]) -> None:
    """Refuse a model that says neither its name nor whose version it is, or not what trained it."""
    if fields.get("isNewModel"):
        _required(fields, "modelName")
    else:
        _required(fields, "modelId")
    meta = _object(fields, "versionMeta")
    _required(meta, "taskId", "versionMeta.")
    _required(meta, "iterationId", "versionMeta.")


def check_job(fields: Mapping[str, Any]) -> None:
    """Refuse a job that lacks a field, or has one outside the range of its base model."""
    _required(fields, "taskId")
    train = None
    if (fields.get("jobRunType") or _NORMAL) == _NORMAL:
        _required(fields, "baseTrainType")
        train = TRAINS.get(str(_required(fields, "trainType")))
    else:
        base = _object(fields, "increConfig")
        _required(base, "taskId", "increConfig.")
        _required(base, "jobId", "increConfig.")
    _required(fields, "trainMode")
    _required(fields, "peftType")
    if train is not None:
        _one_of(fields, "peftType", train.peft)
    _check_config(_object(fields, "trainConfig"), train)
    _check_trainset(fields.get("trainset"))
    _number(fields, "trainsetRate", TRAINSET_RATE)


def _check_config(config: Mapping[str, Any], train: Train | None) -> None:
    _number(config, "epoch", EPOCH, "trainConfig.", whole=True)
    if train is None:
        _required(config, "learningRate", "trainConfig.")
        return
    _number(config, "learningRate", train.learning_rate, "trainConfig.")
    if train.batch_size is not None and config.get("batchSize") is not None:
        _number(config, "batchSize", train.batch_size, "trainConfig.", whole=True)
    if train.max_seq_len:
        _one_of(config, "maxSeqLen", train.max_seq_len, "trainConfig.")


def _check_trainset(trainset: Any) -> None:
    if isinstance(trainset, (str, Mapping)) or not isinstance(trainset, Sequence) or not trainset:
        raise _wrong("trainset", 'an array such as [{"type": 1, "id": 1234}]', trainset)
    for index, item in enumerate(trainset):
        if not isinstance(item, Mapping):
            raise _wrong(f"trainset[{index}]", 'an object such as {"type": 1, "id": 1234}', item)
        _one_of(item, "type", (_DATASET, _BUCKET), f"trainset[{index}].")
        if item["type"] == _DATASET:
            _required(item, "id", f"trainset[{index}].")


def _required(fields: Mapping[str, Any], name: str, above: str = "") -> Any:
    value = fields.get(name)
    if value is None or value == "":
        raise ArgumentNotFoundError(f"{above}{name} is missing", hint=_HINT)
    return value


def _object(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = fields.get(name)
    if not isinstance(value, Mapping):
        raise _wrong(name, "an object", value)
    return value


def _number(
    fields: Mapping[str, Any], name: str, allowed: Range, above: str = "", *, whole: bool = False
) -> None:
    value = _required(fields, name, above)
    fits = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    if not fits or not allowed.low <= value <= allowed.high:
        kind = "a whole number" if whole else "a number"
        raise _wrong(f"{above}{name}", f"{kind} in {shown(allowed)}", value)


def shown(allowed: Range) -> str:
    """Return a range as the documentation writes it."""
    return f"[{_plain(allowed.low)}, {_plain(allowed.high)}]"


def _length(fields: Mapping[str, Any], name: str, allowed: Range) -> None:
    value = fields.get(name)
    if value is None and not allowed.low:
        return
    if not isinstance(value, str) or not allowed.low <= len(value) <= allowed.high:
        raise _wrong(name, f"a str of {_plain(allowed.low)} to {_plain(allowed.high)} characters", value)


def _one_of(fields: Mapping[str, Any], name: str, allowed: Iterable[object], above: str = "") -> None:
    value = _required(fields, name, above)
    if value not in allowed:
        raise _wrong(f"{above}{name}", f"one of {', '.join(map(str, allowed))}", value)


def _wrong(name: str, wanted: str, value: Any) -> ValidationError:
    return ValidationError(f"{name} must be {wanted}, not {value!r}", hint=_HINT)


def _plain(number: float) -> str:
    """Return a number as the documentation writes it: 0.00001, not 1e-05."""
    return f"{number:.7f}".rstrip("0").rstrip(".")
