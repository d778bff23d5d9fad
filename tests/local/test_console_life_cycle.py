"""The life cycle by the SDK, in any order and over restarts, against a model of what must come of it.

Every answer has its documented shape and tells what the model knows; every refusal has a code that the
model allows; nothing is lost and nothing invented. `QIANFAN_TEST_EXAMPLES=2000` tries more interleavings
than a usual run.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from life_serving import Serving
from life_tuning import STATUSES, TRAINS

EXAMPLES = int(os.environ.get("QIANFAN_TEST_EXAMPLES", "70"))


class LifeCycle(Serving):
    """All the rules, and a look at everything."""

    @initialize(model=st.sampled_from(["", *TRAINS]))
    def begin(self, model):
        """Begin with a task, of either version, and something to train on."""
        self.add_dataset("shelf")
        if model:
            self.create_task_by_v2("first", model)
        else:
            self.create_task("first", "the first")

    @rule(most=st.sampled_from([1, 2, 100]), backwards=st.booleans())
    def look_at_everything(self, most, backwards):
        """The lists hold what the model holds, in its order."""
        life, now = self.life, self.life.now

        def pages(*names, **fields):
            return self.caller.pages(most, backwards, *names, **fields)

        tasks = pages("finetune.v2", "list_jobs", "jobList")
        told = [(it["jobId"], it["name"], it["description"], it["model"]) for it in tasks]
        assert told == [(it.uid, it.name, it.description, it.model) for it in life.tasks.all()]
        for task in life.tasks.all():
            jobs = pages("finetune.v2", "list_tasks", "taskList", job_id=task.uid)
            told = [(it["taskId"], STATUSES[it["runStatus"]]) for it in jobs]
            assert told == [(it.uid, it.status(now)) for it in life.jobs_of(task)]
        sets = pages("model.v2", "list_custom_sets", "modelSetList")
        assert [it["modelSetId"] for it in sets] == [it.uid for it in life.models.all()]
        models = self.ask(set(), "model", "list_user")
        assert models["total"] == len(life.models.all())
        for model, told in zip(life.models.all(), models["modelList"], strict=True):
            self.compare_model(model, told)
        services = pages("service.v2", "list", "serviceList")
        told = [(it["serviceId"], it["urlSuffix"], it["modelId"], it["runStatus"]) for it in services]
        states = "Serving", "Deploying"
        assert told == [
            (it.uid, it.uri, it.version.uid, states[it.is_deploying(now)]) for it in life.services.all()
        ]
        custom = self.ask(set(), "service", "list")["custom"]
        assert [it["serviceUuid"] for it in custom] == [it.uid for it in life.services.all()]
        datasets = pages("dataset.v2", "list", "datasetList")
        assert [it["name"] for it in datasets] == [it.name for it in life.datasets.all()]

    def teardown(self):
        """Look at everything a last time."""
        try:
            self.look_at_everything(most=100, backwards=False)
        finally:
            self.caller.close()


TestLifeCycle = LifeCycle.TestCase
TestLifeCycle.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
