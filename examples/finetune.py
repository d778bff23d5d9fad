"""The life of a model in one program, offline: tune, publish, deploy, chat.

python examples/finetune.py
"""

from __future__ import annotations

import json
import threading
from time import sleep

import qianfan

# What the model is to learn, and two questions it has not seen in these words.
TRAINING = [
    {"prompt": f"{number} 号柜台怎么走？", "response": f"请直走到大厅尽头，{number} 号柜台在左手边。"}
    for number in range(1, 41)
]
HELD_OUT = ["请问 7 号柜台在哪里，怎么走？", "12 号柜台怎么走呢？"]


def main() -> None:
    """Live the whole life of a model."""
    with qianfan.local.platform() as platform, platform.client() as client:
        dataset = platform.add_dataset(
            [json.dumps(line, ensure_ascii=False) for line in TRAINING], name="柜台"
        )

        task = client.finetune.create_task(name="counter", description="指路")
        job = client.finetune.create_job(
            {
                "taskId": task["result"]["id"],
                "baseTrainType": "ERNIE-Bot-turbo",
                "trainType": "ERNIE-Bot-turbo-0725",
                "trainMode": "SFT",
                "peftType": "LoRA",
                "trainConfig": {"epoch": 4, "learningRate": 0.00002, "maxSeqLen": 4096},
                "trainset": [{"type": 1, "id": dataset.id}],
                "trainsetRate": 20,
            }
        )
        threading.Thread(target=hurry, args=(platform,), daemon=True).start()
        job = job.wait(timeout=60, on_progress=lambda job: print(f"训练进度 {job.progress}%"))

        published = client.model.publish(
            is_new=True,
            model_name="counter_model",
            version_meta={"taskId": job.task_id, "iterationId": job.job_id},
        )["result"]
        client.service.create(
            model_id=published["modelId"],
            iteration_id=published["versionId"],
            name="counter",
            uri="counter",
            replicas=1,
            pool_type=1,
        )
        platform.advance(minutes=5)  # 等待部署完成

        for question in HELD_OUT:
            print(
                question,
                "→",
                client.chat.do([{"role": "user", "content": question}], endpoint="counter")["result"],
            )


def hurry(platform: qianfan.local.Platform) -> None:
    """Let the platform's time pass faster than the world's."""
    for _ in range(600):
        platform.advance(seconds=30)
        sleep(0.1)


if __name__ == "__main__":
    main()
