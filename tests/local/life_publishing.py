"""The rules of models and their versions, in the words of both versions of the console."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from life_machine import known, picks, steps, twins
from life_model import BAD_FIELD, FINISH, china_time
from life_tuning import Tuning

model_names = st.sampled_from(["model", "m" * 50, "m" * 51])


class Publishing(Tuning):
    """Models and versions."""

    @precondition(known("jobs"))
    @rule(name=model_names, job=picks, twin=twins)
    def publish(self, name, job, twin):
        """Publish a job as a new model."""
        job, key = self.pick(self.life.jobs, job, twin)
        self.publish_job(name, job, key)

    def publish_job(self, name, job, key):
        """Publish a job as a new model."""
        codes = self.life.may_refuse_publishing(job, model=True) | ({BAD_FIELD} if len(name) > 50 else set())
        meta = {"taskId": self.task_of(job), "iterationId": key}
        fields = {"is_new": True, "version_meta": meta, "model_name": name, "tags": ["a tag"]}
        told = self.ask(codes, "model", "publish", **fields)
        if told:
            model = self.life.model(told["modelId"], told["modelIDStr"], name, ["a tag"])
            self.took_version(model, job, told)

    @rule(name=model_names, by_v2=st.booleans(), seconds=steps)
    def deploy(self, name, by_v2, seconds):
        """Train, publish and deploy, going on with what there is, and let time pass."""
        finished = (job for job in self.life.jobs.all() if job.status(self.life.now) == FINISH)
        job = next(finished, None)
        if job is None:
            job = self.train_in_peace("Llama-2-7b", "cellar")
            self.advance(1500)
        self.publish_job(name[:50], job, job.uid)
        version, uri = self.life.versions.all()[-1], f"svc-{len(self.life.services.all())}"
        self.create_service_of(version, version.uid, version.model, version.model.uid, "a name", uri, by_v2)
        self.advance(seconds)

    @precondition(known("models"))
    @rule(model=picks, job=picks, twin=twins)
    def publish_again(self, model, job, twin):
        """Publish a job as a version of a model."""
        model, model_key = self.pick(self.life.models, model, twin)
        job, key = self.pick(self.life.jobs, job, twin)
        codes = self.life.may_refuse_publishing(job, model)
        meta = {"taskId": self.task_of(job), "iterationId": key}
        told = self.ask(codes, "model", "publish", is_new=False, version_meta=meta, model_id=model_key)
        if told:
            self.life.models.number(model, told["modelId"])
            self.took_version(model, job, told)

    def took_version(self, model, job, told):
        """Take over a version, which has the next number."""
        version = self.life.version(told["versionId"], told["versionIdStr"], model, job)
        assert told["version"] == str(version.number)

    @precondition(known("models"))
    @rule(model=picks, job=picks)
    def publish_by_v2(self, model, job):
        """Publish a job as a version of a model, which v2 calls a model of a set."""
        model, model_key = self.pick(self.life.models, model)
        job, key = self.pick(self.life.jobs, job)
        codes = self.life.may_refuse_publishing(job, model)
        fields = {"model_set_id": model_key, "source_type": "Train", "train_meta": {"taskId": key}}
        told = self.ask(codes, "model.v2", "create", **fields)
        if told:
            version = self.life.version(None, told["modelId"], model, job)
            assert (told["modelSetId"], told["modelVersion"]) == (model.uid, str(version.number))

    @rule()
    def create_model_by_v2(self):
        """Create a model without versions."""
        told = self.ask(set(), "model.v2", "create_set", model_set_name="a set")
        self.life.model(None, told["modelSetId"], "a set")

    @precondition(known("models"))
    @rule(number=picks, twin=twins)
    def look_at_model(self, number, twin):
        """A model tells its versions, in both words."""
        model, key = self.pick(self.life.models, number, twin)
        codes = set() if model else {BAD_FIELD}
        told = self.ask(codes, "model", "list", model_id=key)
        told_2 = self.ask(codes, "model.v2", "get_set", model_set_id=key)
        if model:
            self.compare_model(model, told)
            versions = self.life.versions_of(model)
            assert told_2["modelSetId"] == model.uid
            assert [it["modelId"] for it in told_2["modelList"]] == [it.uid for it in versions]

    def compare_model(self, model, told):
        """Compare what v1 tells of a model with the model of ours."""
        self.life.models.number(model, told["modelId"])
        assert (told["modelIdStr"], told["modelName"], told["tags"]) == (model.uid, model.name, model.tags)
        assert told["modifyTime"] == china_time(model.changed).replace(" ", "T") + "+08:00"
        versions = self.life.versions_of(model)
        for version, one in zip(versions, told["modelVersionList"], strict=True):
            self.compare_version(version, one)

    def compare_version(self, version, told):
        """Compare what v1 tells of a version with the model of ours."""
        self.life.versions.number(version, told["modelVersionId"])
        assert (told["modelVersionIdStr"], told["version"]) == (version.uid, str(version.number))
        assert (told["modelIdStr"], told["modelName"]) == (version.model.uid, version.model.name)
        source, job = told["sourceExtra"]["trainSourceExtra"], version.job
        self.life.jobs.number(job, source["runId"])
        self.life.tasks.number(job.task, source["taskId"])
        assert (source["taskName"], source["iterationVersion"]) == (version.task_name, job.run)

    @precondition(known("versions"))
    @rule(number=picks, twin=twins)
    def look_at_version(self, number, twin):
        """A version tells where it comes from, in both words."""
        version, key = self.pick(self.life.versions, number, twin)
        codes = set() if version else {BAD_FIELD}
        told = self.ask(codes, "model", "detail", model_version_id=key)
        told_2 = self.ask(codes, "model.v2", "get", model_id=key)
        if version:
            self.compare_version(version, told)
            assert (told_2["modelId"], told_2["baseModel"]) == (version.uid, version.job.train_type)

    @precondition(known("models"))
    @rule(numbers=st.lists(picks, min_size=1, max_size=3), by_v2=st.booleans())
    def delete_models(self, numbers, by_v2):
        """Delete models, all of them or none; one on which a service stands stays."""
        chosen = [self.pick(self.life.models, number) for number in numbers[: 1 if by_v2 else None]]
        models = dict.fromkeys(model for model, _ in chosen)
        used = any(model and self.life.in_use(self.life.versions_of(model)) for model in models)
        codes = {BAD_FIELD} if used or None in models else set()
        keys = [key for _, key in chosen]
        if by_v2:
            told = self.ask(codes, "model.v2", "delete_set", model_set_id=keys[0])
        else:
            told = self.ask(codes, "model", "delete", model_ids=keys)
        for model in models if told else ():
            self.life.delete_model(model)

    @precondition(known("versions"))
    @rule(numbers=st.lists(picks, min_size=1, max_size=3), by_v2=st.booleans())
    def delete_versions(self, numbers, by_v2):
        """Delete versions, likewise."""
        chosen = [self.pick(self.life.versions, number) for number in numbers[: 1 if by_v2 else None]]
        versions = dict.fromkeys(version for version, _ in chosen)
        codes = {BAD_FIELD} if None in versions or self.life.in_use(versions) else set()
        keys = [key for _, key in chosen]
        if by_v2:
            told = self.ask(codes, "model.v2", "delete", model_id=keys[0])
        else:
            told = self.ask(codes, "model", "delete_version", model_version_ids=keys)
        for version in versions if told else ():
            self.life.delete_version(version)
