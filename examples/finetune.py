"""The life of a model in one program, offline: ask, tune, publish, deploy, and ask again.

The model learns the questions of an online shop (data/shop_faq.jsonl). It is judged by others
(data/shop_questions.jsonl): the same matters in words it has not seen, and some that are none of the
shop's, where the only right answer is none of the shop's answers.

python examples/finetune.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import qianfan

DATA = Path(__file__).parent / "data"
FAQ = DATA / "shop_faq.jsonl"
QUESTIONS = DATA / "shop_questions.jsonl"

BASE_MODEL, ENDPOINT = "ERNIE-Bot-turbo", "shop"


def main() -> None:
    """Live the whole life of a model."""
    with qianfan.local.platform() as platform, platform.client() as client:
        before = judge(client, model=BASE_MODEL)
        job = tune(platform, client)
        deploy(platform, client, job)
        after = judge(client, endpoint=ENDPOINT)

    score(f"调优前（{BASE_MODEL}）", before)
    score("调优后", after)
    print("答错的：")
    for question, _, answer, right in after:
        if not right:
            print(f"  {question} → {answer[:24]}")


def tune(platform: qianfan.local.Platform, client: qianfan.Qianfan) -> Any:
    """Train a model on the shop's questions; return the job as it finished."""
    dataset = platform.add_dataset(FAQ)
    task = client.finetune.create_task(name="shop_faq", description="网店客服")
    job = client.finetune.create_job(
        {
            "taskId": task["result"]["id"],
            "baseTrainType": BASE_MODEL,
            "trainType": "ERNIE-Bot-turbo-0725",
            "trainMode": "SFT",
            "peftType": "LoRA",
            "trainConfig": {"epoch": 4, "learningRate": 0.00002, "maxSeqLen": 4096},
            "trainset": [{"type": 1, "id": dataset.id}],
            "trainsetRate": 20,
        }
    )

    def look(job: Any) -> None:
        print(f"训练 {job.status} {job.progress}%")
        platform.advance(seconds=70)  # 拨动本地平台的时钟；在真实的平台上只能等待

    return job.wait(timeout=60, on_progress=look)


def deploy(platform: qianfan.local.Platform, client: qianfan.Qianfan, job: Any) -> None:
    """Publish what a job trained, and let it answer at an endpoint of its own."""
    published = client.model.publish(
        is_new=True,
        model_name="shop_faq",
        version_meta={"taskId": job.task_id, "iterationId": job.job_id},
    )["result"]
    service = client.service.create(
        model_id=published["modelId"],
        iteration_id=published["versionId"],
        name="shop_faq",
        uri=ENDPOINT,
        replicas=1,
        pool_type=1,
    )["result"]
    platform.advance(minutes=1)
    print("服务", client.service.get(service["serviceId"])["result"]["serviceStatus"])


class Judgement(NamedTuple):
    """What became of a question; `wanted` is None where the shop has no answer."""

    question: str
    wanted: str | None
    answer: str
    right: bool


def read(file: Path) -> list[dict[str, Any]]:
    """Return the lines of a file of samples."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def judge(client: qianfan.Qianfan, **which: str) -> list[Judgement]:
    """Ask a model all held-out questions."""
    known = {line["response"] for line in read(FAQ)}
    judged = []
    for line in read(QUESTIONS):
        answer = client.chat.do([{"role": "user", "content": line["prompt"]}], **which)["result"]
        wanted = line["response"]
        right = answer == wanted if wanted else answer not in known
        judged.append(Judgement(line["prompt"], wanted, answer, right))
    return judged


def score(title: str, judged: list[Judgement]) -> None:
    """Print how many answers were right."""
    shop, others = ([it.right for it in judged if bool(it.wanted) is is_shop] for is_shop in (True, False))
    print(
        f"{title}：换了说法的问题答对 {sum(shop)}/{len(shop)}，与本店无关的没有乱答 {sum(others)}/{len(others)}"
    )


if __name__ == "__main__":
    main()
