"""Training: what a base model lets a job ask for, how long that takes, and how its loss falls."""

from __future__ import annotations

from hashlib import blake2b
from math import ceil, exp
from typing import TYPE_CHECKING, Any, NamedTuple

from qianfan.local import checks
from qianfan.local.console import fields

if TYPE_CHECKING:
    from qianfan.local.checks import Check
    from qianfan.local.wire import Json

BAD_CONFIG = 510401

ALL = "ALL"  # peftType: every weight is trained

PREPARATION = 60.0  # seconds before the training proper begins
_SECONDS_PER_SAMPLE = 0.25  # and epoch
_SHORTEST, _LONGEST = 120.0, 1500.0  # seconds a job runs: advance(minutes=30) finishes any

_DEFAULT_BATCH = 4
_MOST_POINTS = 100  # of a loss curve
_NOISE = 0.04


EPOCHS = (1, 50)


class Train(NamedTuple):
    """What one `trainType` is.

    Attributes:
        base: Its `baseTrainType`.
        shown: What answers call it: an internal code of the platform.
        endpoint: Where its base model answers.
        peft: The values of `peftType`.
        rate: The range of `learningRate`.
        batch: The range of `batchSize`; None where it is not used.
        lengths: The values of `maxSeqLen`, which must then be there.
    """

    base: str
    shown: str
    endpoint: str = ""
    peft: tuple[str, ...] = (ALL, "LoRA", "P-tuning")
    rate: tuple[float, float] = (0.0000002, 0.0002)
    batch: tuple[int, int] | None = (4, 64)
    lengths: tuple[int, ...] = ()


_TURBO, _TURBO_RATE = "ERNIE-Bot-turbo", (0.00001, 0.00004)

#: By `trainType`.
TRAINS = {
    "ERNIE-Bot-turbo-0516": Train(_TURBO, "ernieBotLite-v100", "eb-instant", (ALL,), batch=(16, 64)),
    "ERNIE-Bot-turbo-0704": Train(_TURBO, "ernieBotLite-v200", "eb-instant", rate=_TURBO_RATE, batch=None),
    "ERNIE-Bot-turbo-0725": Train(
        _TURBO, "ernieBotLite-v201-8k", "eb-instant", (ALL, "LoRA"), _TURBO_RATE, None, (4096, 8192)
    ),
    "ERNIE-Bot-turbo-0922": Train(
        _TURBO, "ernieBotLite-v202-8k", "eb-instant", (ALL, "LoRA"), _TURBO_RATE, None, (4096, 8192)
    ),
    "BLOOMZ-7B": Train("BLOOMZ-7B", "bloomz-7b", "bloomz_7b1"),
    "Llama-2-7b": Train("Llama-2-7b", "llama2-7b", "llama_2_7b"),
    "Llama-2-13b": Train("Llama-2-13b", "llama2-13b", "llama_2_13b"),
    "SQLCoder-7B": Train("SQLCoder-7B", "sqlcoder-7b"),
    "ChatGLM2-6B": Train("ChatGLM2-6B", "chatglm2-6b", "chatglm2_6b_32k"),
    "Baichuan2-13B": Train("Baichuan2-13B", "baichuan2-13b"),
}

_BASES = tuple(dict.fromkeys(train.base for train in TRAINS.values()))


def read_type(body: Json) -> str:
    """Return the `trainType` of a job that takes no other job's model.

    Raises:
        Refusal: 500001 it or the `baseTrainType` is unknown, or they do not belong together.
    """
    base: str = fields.required(body, "baseTrainType", checks.one_of(*_BASES))
    fitting = [name for name, train in TRAINS.items() if train.base == base]
    name: str = fields.required(body, "trainType", checks.one_of(*fitting))
    return name


def read_config(body: Json, train_type: str) -> Json:
    """Return what a job trains with: mode, peft and the numbers, in the ranges of its base model.

    Raises:
        Refusal: 500001 mode, peft or split are wrong; 510401 a number of `trainConfig` is.
    """
    train = TRAINS[train_type]
    mode = fields.required(body, "trainMode", checks.one_of("SFT"))
    peft = fields.required(body, "peftType", checks.one_of(*train.peft))
    config: Json = fields.required(body, "trainConfig", fields.json_object, BAD_CONFIG)

    def number(name: str, check: Check) -> Any:
        return fields.required(config, name, check, BAD_CONFIG, "trainConfig.")

    numbers = {"epoch": number("epoch", checks.integer(*EPOCHS))}
    numbers["learningRate"] = number("learningRate", checks.number(*train.rate))
    if train.batch is not None and config.get("batchSize") is not None:
        numbers["batchSize"] = number("batchSize", checks.integer(*train.batch))
    if train.lengths:
        numbers["maxSeqLen"] = number("maxSeqLen", fields.integer_of(*train.lengths))
    split = fields.required(body, "trainsetRate", checks.number(0, 50))
    return {"trainMode": mode, "peftType": peft, "trainConfig": numbers, "trainsetRate": split}


def duration(config: Json, samples: int) -> float:
    """Return the seconds a job runs."""
    epochs: int = config["trainConfig"]["epoch"]
    spent = PREPARATION + _SECONDS_PER_SAMPLE * samples * epochs
    return min(max(_SHORTEST, spent), _LONGEST)


def losses(config: Json, samples: int, done: float) -> list[Json]:
    """Return the loss curve up to a share of the training, the same for the same job in every run.

    Args:
        config: What `read_config` returned.
        samples: How many samples there are.
        done: The share of the training that is over, from 0 to 1.
    """
    numbers = config["trainConfig"]
    epochs = numbers["epoch"]
    steps = epochs * ceil(samples / numbers.get("batchSize", _DEFAULT_BATCH))
    points = min(steps, _MOST_POINTS)
    speed = 1.5 + 1e4 * numbers["learningRate"]
    curve: list[Json] = []
    for point in range(1, int(points * done) + 1):
        step = steps * point // points
        passed = epochs * step / steps
        digest = blake2b(f"{step} {numbers}".encode(), digest_size=2).digest()
        noise = _NOISE * (int.from_bytes(digest, "big") / 0x7FFF - 1)
        loss = 0.35 + 2.4 * exp(-speed * passed / (1 + passed)) * (1 + noise)
        curve.append({"step": step, "epoch": round(passed, 3), "loss": round(loss, 4)})
    return curve
