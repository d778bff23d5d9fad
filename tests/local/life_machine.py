"""The machine that calls in any order: its account, its model of it, time, restarts and datasets."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from life_caller import LifeCaller
from life_model import BAD_FIELD, Life

DAY = 86_400

names = st.sampled_from(["demo", "测试任务", "another", "x", "n" * 20, "n" * 21])
sources = st.sampled_from(["shelf", "cellar", "few"])
steps = st.sampled_from([0, 1, 19, 20, 48, 60, 119, 120, 1500, DAY, 31 * DAY])
picks = st.integers(0, 9)  # the last is of what is not there
twins = st.booleans()  # whether a record is named by its other id


def samples(source):
    """Return prompts and responses of one of three datasets, of which one is too small to train on."""
    count = {"shelf": 40, "cellar": 33, "few": 5}[source]
    return {f"What is in box {i} of the {source}?": f"{source} thing {i}" for i in range(count)}


def known(kind):
    """Return whether there is, or was, something of a kind: only then is it worth asking for."""

    def is_known(machine):
        records = getattr(machine.life, kind)
        return bool(records.all() or records.gone)

    return is_known


class Machine(RuleBasedStateMachine):
    """One account, and the model of what it must have."""

    def __init__(self):
        super().__init__()
        self.life = Life()
        self.caller = LifeCaller()
        self.ask = self.caller.ask

    def pick(self, kind, number, twin=True):
        """Return a record and an id of it; None and the id of a deleted or unknown one for the last number."""
        alive = kind.all()
        if number < 9 and alive:
            record = alive[number % len(alive)]
            return record, record.uid if twin or record.id is None else record.id
        if kind.gone:
            gone = kind.gone[-1]
            return None, gone.uid if twin or gone.id is None else gone.id
        return None, "task-000000000000" if twin else 424242

    # Time

    @rule(how=st.sampled_from(["again", "anew", "killed"]))
    def restart(self, how):
        """Start the platform anew; the time is what it was."""
        self.caller.restart(how)
        assert self.caller.platform._state.clock.now() == self.life.now

    @rule(seconds=steps)
    def advance(self, seconds):
        """Let time pass."""
        self.caller.platform.advance(seconds=seconds)
        self.life.now += seconds

    # Datasets

    @rule(source=sources)
    def add_dataset(self, source):
        """Register samples; the same ones are the same dataset as long as it is there."""
        lines = [{"prompt": prompt, "response": response} for prompt, response in samples(source).items()]
        made = self.caller.platform.add_dataset(lines, source)
        same = self.life.same_dataset(source, samples(source))
        if same is None:
            self.life.dataset(made.id, made.uid, source, samples(source))
        else:
            assert made.uid == same.uid

    @rule()
    def create_dataset(self):
        """Create a dataset without samples."""
        made = self.ask(set(), "dataset", "create", name="empty")
        assert made["entityCount"] == 0
        self.life.dataset(made["id"], made["datasetId"], "empty", {})

    @precondition(known("datasets"))
    @rule(pick=picks, twin=twins)
    def look_at_dataset(self, pick, twin):
        """A dataset tells its name and size."""
        dataset, key = self.pick(self.life.datasets, pick, twin)
        told = self.ask(set() if dataset else {BAD_FIELD}, "dataset", "info", dataset_id=key)
        if dataset:
            assert (told["id"], told["name"]) == (dataset.id, dataset.name)
            assert told["entityCount"] == len(dataset.samples)

    @precondition(known("datasets"))
    @rule(pick=picks)
    def delete_dataset(self, pick):
        """Delete a dataset."""
        dataset, key = self.pick(self.life.datasets, pick)
        group = key.replace("ds-", "dg-")
        self.ask(set() if dataset else {BAD_FIELD}, "dataset.v2", "delete", dataset_id=group)
        if dataset:
            self.life.datasets.remove(dataset)
