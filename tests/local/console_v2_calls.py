"""Calls of the console's v2 that create one thing each."""

from __future__ import annotations

from console_caller import README_JOB, lines

WRONG, NOT_FOUND = (400, "InappropriateJSON"), (404, "NotFound")


def job(caller, name="demo", model="ERNIE-Bot-turbo-0725"):
    """Create a job, which v1 calls a task; return its id."""
    made = caller.done("finetuning", "CreateFineTuningJob", name=name, model=model, trainMode="SFT")
    assert set(made) == {"jobId"}
    return made["jobId"]


def wanted(caller, job_id, **changes):
    """Return the body of a task; None takes a field away."""
    versions = [{"versionId": caller.platform.add_dataset(lines(40), "set").uid}]
    body = {
        "jobId": job_id,
        "parameterScale": "LoRA",
        "hyperParameterConfig": README_JOB["trainConfig"],
        "datasetConfig": {"sourceType": "Platform", "versions": versions, "splitRatio": 20},
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def task(caller, job_id, **changes):
    """Start a task, which v1 calls a job; return its id."""
    made = caller.done("finetuning", "CreateFineTuningTask", **wanted(caller, job_id, **changes))
    assert set(made) == {"jobId", "taskId"}
    return made["taskId"]


def model(caller, name="mine"):
    """Tune a model and put it into a set; return the ids of both."""
    task_id = task(caller, job(caller, name))
    caller.platform.advance(minutes=30)
    set_id = caller.done("model", "CreateCustomModelSet", modelSetName=name)["modelSetId"]
    body = {"modelSetId": set_id, "sourceType": "Train", "trainMeta": {"taskId": task_id}}
    return set_id, caller.done("model", "CreateCustomModel", **body)["modelId"]


def service(caller, set_id, model_id, **changes):
    """Create a service; return its id."""
    body = {"modelSetId": set_id, "modelId": model_id, "name": "my service", "urlSuffix": "mine"}
    return caller.done("service", "CreateService", **{**body, **changes})["serviceId"]
