"""The rules of fine-tuning: tasks and jobs, in the words of both versions of the console."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from life_machine import Machine, known, names, picks, samples, steps, twins
from life_model import (
    BAD_CONFIG,
    BAD_DATASET,
    BAD_FIELD,
    FAIL,
    FINISH,
    NO_JOB,
    NO_TASK,
    RUNNING,
    STOP,
    china_time,
)

TRAINS = {  # what a job asks for, by trainType
    "ERNIE-Bot-turbo-0725": {
        "baseTrainType": "ERNIE-Bot-turbo",
        "peftType": "LoRA",
        "trainConfig": {"epoch": 4, "learningRate": 0.00002, "batchSize": 4, "maxSeqLen": 4096},
    },
    "Llama-2-7b": {
        "baseTrainType": "Llama-2-7b",
        "peftType": "ALL",
        "trainConfig": {"epoch": 50, "learningRate": 0.0001, "batchSize": 16},
    },
}
SCALES = {"LoRA": "LoRA", "ALL": "FullFineTuning"}
STATUSES = {"Running": RUNNING, "Done": FINISH, "Failed": FAIL, "Stopped": STOP}

FAULTS = {  # what may be wrong with a job, and the code that says so
    "epoch": ({"trainConfig": {"epoch": 51, "learningRate": 0.00002, "maxSeqLen": 4096}}, BAD_CONFIG),
    "rate": ({"trainConfig": {"epoch": 1, "learningRate": 1, "maxSeqLen": 4096}}, BAD_CONFIG),
    "set": ({"trainset": []}, BAD_DATASET),
    "bucket": ({"trainset": [{"type": 2, "id": 1}]}, BAD_DATASET),
    "base": ({"baseTrainType": "BLOOMZ-7B"}, BAD_FIELD),
    "mode": ({"trainMode": "RLHF"}, BAD_FIELD),
    "split": ({"trainsetRate": 51}, BAD_FIELD),
}

descriptions = st.sampled_from([None, "", "what it is for", "d" * 501])
purposes = st.sampled_from([None, "a job", "please simulate a failure"])


class Tuning(Machine):
    """Tasks and jobs."""

    @rule(name=names, description=descriptions)
    def create_task(self, name, description):
        """Create a task."""
        codes = self.life.may_refuse_task(name, description)
        told = self.ask(codes, "finetune", "create_task", name=name, description=description)
        if told:
            self.life.task(told["id"], told["uuid"], name, description)
            assert (told["name"], told["description"]) == (name, description or "")
            assert told["createTime"] == china_time(self.life.now)

    @rule(name=names, model=st.sampled_from([*TRAINS, "GPT"]))
    def create_task_by_v2(self, name, model):
        """Create a task, which v2 calls a job, with the model of its jobs."""
        codes = self.life.may_refuse_task(name, None) | ({BAD_FIELD} if model == "GPT" else set())
        told = self.ask(codes, "finetune.v2", "create_job", name=name, model=model, train_mode="SFT")
        if told:
            self.life.task(None, told["jobId"], name, None, model)

    @rule(
        task=picks,
        twin=twins,
        datasets=st.lists(picks, min_size=1, max_size=3),
        train=st.sampled_from(list(TRAINS)),
        purpose=purposes,
        fault=st.sampled_from([None] * 8 + list(FAULTS)),
        base=st.none() | st.none() | picks,
    )
    def create_job(self, task, twin, datasets, train, purpose, fault, base):
        """Start a job, perhaps on top of another, perhaps with a fault."""
        task, key = self.pick(self.life.tasks, task, twin)
        chosen = [self.pick(self.life.datasets, number, twin) for number in datasets]
        sets, keys = [dataset for dataset, _ in chosen], [key for _, key in chosen]
        body, on = self.body(key, keys, train, purpose), None
        if base is not None:
            fault = None  # of an incremental job, some fields are not looked at
            on, base_key = self.pick(self.life.jobs, base, twin)
            train = on.train_type if on else train
            increment = {"taskId": self.task_of(on), "jobId": base_key}
            body |= {"jobRunType": 1, "increConfig": increment, **TRAINS[train]}
        codes = self.life.may_refuse_job(task, sets, on, incremental=base is not None)
        if fault:
            body |= FAULTS[fault][0]
            codes |= {FAULTS[fault][1]}
        told = self.ask(codes, "finetune", "create_job", job=body)
        if told:
            self.took_job(told["id"], told["uuid"], task, purpose, train, sets, on)

    def task_of(self, job):
        """Return the id of a job's task, for an unknown job of any task."""
        return job.task.uid if job else self.pick(self.life.tasks, 0)[1]

    def body(self, task, datasets, train, purpose):
        """Return the body of a job."""
        trainset = [{"type": 1, "id": key} for key in datasets]
        body = {"taskId": task, "trainType": train, "trainMode": "SFT", **TRAINS[train]}
        return {**body, "trainset": trainset, "trainsetRate": 20, "description": purpose}

    def took_job(self, number, uid, task, purpose, train, datasets, base=None):
        """Take over a job."""
        peft, epochs = TRAINS[train]["peftType"], TRAINS[train]["trainConfig"]["epoch"]
        return self.life.job(number, uid, task, purpose, train, peft, epochs, datasets, base)

    @rule(train=st.sampled_from(list(TRAINS)), source=st.sampled_from(["shelf", "cellar"]), seconds=steps)
    def train(self, train, source, seconds):
        """Start a job that has all it needs, and let time pass."""
        self.train_in_peace(train, source)
        self.advance(seconds)

    def train_in_peace(self, train, source):
        """Start a job that has all it needs; return it."""
        self.add_dataset(source)
        dataset = self.life.same_dataset(source, samples(source))
        idle = (task for task in self.life.tasks.all() if not self.life.running(self.life.jobs_of(task)))
        task = next(idle, None)
        if task is None:
            self.create_task(f"task {len(self.life.tasks.all())} {len(self.life.tasks.gone)}", None)
            task = self.life.tasks.all()[-1]
        told = self.ask(set(), "finetune", "create_job", job=self.body(task.uid, [dataset.id], train, None))
        return self.took_job(told["id"], told["uuid"], task, None, train, [dataset])

    @rule(task=picks, dataset=picks, purpose=purposes)
    def create_job_by_v2(self, task, dataset, purpose):
        """Start a job, which v2 calls a task, in a task that v2 created."""
        task, key = self.pick(self.life.tasks, task)
        dataset, version = self.pick(self.life.datasets, dataset)
        train = TRAINS[(task and task.model) or "Llama-2-7b"]
        codes = self.life.may_refuse_job(task, [dataset])
        told = self.ask(
            {BAD_FIELD} if task and not task.model else codes,
            "finetune.v2",
            "create_task",
            job_id=key,
            hyper_parameter_config=train["trainConfig"],
            dataset_config={"sourceType": "Platform", "versions": [{"versionId": version}]},
            parameter_scale=SCALES[train["peftType"]],
            description=purpose,
        )
        if told:
            assert told["jobId"] == task.uid
            self.took_job(None, told["taskId"], task, purpose, task.model, [dataset])

    @precondition(known("jobs"))
    @rule(number=picks, twin=twins)
    def look_at_job(self, number, twin):
        """A job tells how it stands by the time."""
        job, key = self.pick(self.life.jobs, number, twin)
        codes = set() if job else {NO_JOB, NO_TASK}
        told = self.ask(codes, "finetune", "get_job", task_id=self.task_of(job), job_id=key)
        if job:
            self.compare_job(job, told)

    def compare_job(self, job, told):
        """Compare what `get_job` tells with the model."""
        now, status = self.life.now, job.status(self.life.now)
        self.life.jobs.number(job, told["id"])
        self.life.tasks.number(job.task, told["taskId"])
        assert (told["uuid"], told["taskIdStr"], told["runIdStr"]) == (job.uid, job.task.uid, job.uid)
        assert (told["taskName"], told["description"]) == (job.task.name, job.description)
        assert (told["version"], told["jobRunType"], told["peftType"]) == (job.run, int(job.base), job.peft)
        assert told["trainStatus"] == status
        assert told["runTime"] == int(min(now, job.end) - job.started)
        assert told["startTime"] == china_time(job.started)
        assert told["finishTime"] == ("0000-00-00 00:00:00" if status == RUNNING else china_time(job.end))
        assert told.get("failReason") == (job.reason if status == FAIL else None)
        assert 0 <= job.progress <= told["progress"] <= 100
        assert (told["progress"] == 100) == (status == FINISH)
        job.progress = told["progress"]

    @precondition(known("jobs"))
    @rule(number=picks, twin=twins)
    def look_at_job_by_v2(self, number, twin):
        """A job tells how it stands in v2's words, too."""
        job, key = self.pick(self.life.jobs, number, twin)
        told = self.ask(set() if job else {NO_JOB}, "finetune.v2", "get_task", task_id=key)
        if job:
            status = job.status(self.life.now)
            assert (told["taskId"], told["jobId"], told["jobName"]) == (job.uid, job.task.uid, job.task.name)
            assert (STATUSES[told["runStatus"]], told["model"]) == (status, job.train_type)
            assert told["failReason"] == (job.reason if status == FAIL else "")

    @precondition(known("jobs"))
    @rule(number=picks, twin=twins, by_v2=st.booleans())
    def stop_job(self, number, twin, by_v2):
        """Stop a job."""
        job, key = self.pick(self.life.jobs, number, twin)
        codes = self.life.may_refuse_end(job)
        if by_v2:
            told = self.ask(codes, "finetune.v2", "stop_task", task_id=key)
        else:
            told = self.ask(codes, "finetune", "stop_job", task_id=self.task_of(job), job_id=key)
        if told is not None:
            assert told is True
            self.life.stop(job)

    @precondition(known("jobs"))
    @rule(number=picks, twin=twins)
    def fail_job(self, number, twin):
        """Let a job fail."""
        job, key = self.pick(self.life.jobs, number, twin)
        codes = self.life.may_refuse_end(job)
        try:
            self.caller.platform.fail_job(key, "no luck")
        except ValueError:
            assert codes
        else:
            assert not codes
            self.life.fail(job, "no luck")

    @precondition(known("jobs"))
    @rule(number=picks)
    def delete_job(self, number):
        """Delete a job."""
        job, key = self.pick(self.life.jobs, number)
        codes = self.life.may_refuse_deletion([job]) if job else {NO_JOB}
        if self.ask(codes, "finetune.v2", "delete_task", task_id=key):
            self.life.jobs.remove(job)

    @precondition(known("tasks"))
    @rule(number=picks)
    def delete_task(self, number):
        """Delete a task with its jobs, or nothing of it."""
        task, key = self.pick(self.life.tasks, number)
        jobs = self.life.jobs_of(task)
        codes = self.life.may_refuse_deletion(jobs) if task else {NO_TASK}
        if self.ask(codes, "finetune.v2", "delete_job", job_id=key):
            for job in jobs:
                self.life.jobs.remove(job)
            self.life.tasks.remove(task)
