"""A program of the official SDK's trainer: one pipeline from a dataset to a service that answers."""

from __future__ import annotations

import pytest
from conftest import QUESTION, SAMPLES, by_access_keys
from qianfan.dataset import Dataset
from qianfan.model import Model
from qianfan.model.configs import DeployConfig
from qianfan.trainer import Finetune, configs
from qianfan.trainer.consts import PeftType, ServiceType

HASTE = 5000  # how much faster the platform's clock runs; training takes minutes


@pytest.fixture
def hurried(start, give):
    """A platform of a fast clock, which the SDK asks again and again without long waits."""
    platform = start(speed=HASTE)
    kinds = ("TRAIN", "MODEL_PUBLISH", "DEPLOY")
    give({f"QIANFAN_{kind}_STATUS_POLLING_INTERVAL": "0.05" for kind in kinds} | by_access_keys(platform))
    return platform


def test_from_a_dataset_to_a_service(hurried):
    """The pipeline trains with what the platform says can be asked for, publishes, deploys and answers."""
    known = hurried.do("add_dataset", source=SAMPLES, name="goods")
    trainer = Finetune(
        train_type="ERNIE-Bot-turbo-0725",
        dataset=Dataset.load(qianfan_dataset_id=known["uid"]),
        train_config=configs.TrainConfig(
            epoch=1, learning_rate=0.00002, max_seq_len=4096, peft_type=PeftType.LoRA
        ),
        name="goods",
    )
    trainer.run()
    model = Model(set_id=trainer.output["model_set_id"])
    service = model.deploy(
        DeployConfig(
            name="goods", endpoint_suffix="goods", replicas=1, hours=1, service_type=ServiceType.Chat
        )
    )
    answer = service.exec({"messages": QUESTION})["result"]

    assert trainer.output["metrics"]["loss"]
    assert model.id == trainer.output["model_id"]
    assert "7元。" in answer
    assert {call.status for call in hurried.calls()} == {200}


def test_what_can_be_tuned(hurried, monkeypatch):
    """The SDK reads the platform's list of models, with what each takes and by default trains with."""
    monkeypatch.setattr(configs, "last_update_time", None)  # as it is in a new process
    configs.ttl_cache.clear()
    models = configs.get_trainer_model_list("SFT")
    limits = models["ERNIE-Bot-turbo-0725"].specific_peft_types_params_limit["LoRA"]
    default = configs.get_default_train_config("SFT")["ERNIE-Bot-turbo-0725"]["LoRA"]

    assert (limits["epoch"], limits["max_seq_len"]) == ([1, 50], [4096, 8192])
    assert (default.epoch, default.max_seq_len) == (1, 4096)
    assert [call.status for call in hurried.calls("console")] == [200]
