"""The rules of services, in the words of both versions of the console, and of talking to them."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from life_machine import known, names, picks, twins
from life_model import BAD_FIELD
from life_publishing import Publishing

from qianfan.errors import APIError

uris = st.sampled_from(["shop", "shop-2", "help_desk", "x", "u" * 21, "eb-instant"])


class Serving(Publishing):
    """Services, and their answers."""

    @precondition(known("versions"))
    @rule(
        version=picks,
        model=st.none() | st.none() | picks,
        name=names,
        uri=uris,
        twin=twins,
        by_v2=st.booleans(),
    )
    def create_service(self, version, model, name, uri, twin, by_v2):
        """Create a service of a version, named with its model or another."""
        version, version_key = self.pick(self.life.versions, version, twin)
        if model is None and version:
            model, key = version.model, version.model.uid
        else:
            model, key = self.pick(self.life.models, model or 0, twin)
        self.create_service_of(version, version_key, model, key, name, uri, by_v2)

    def create_service_of(self, version, version_key, model, key, name, uri, by_v2):
        """Create a service by either version of the console."""
        codes = self.life.may_refuse_service(model, version, name, uri)
        if by_v2:
            fields = {"model_set_id": key, "model_id": version_key, "name": name, "url_suffix": uri}
            told = self.ask(codes, "service.v2", "create", **fields)
            if told:
                self.life.service(None, told["serviceId"], version, name, uri, 1)
            return
        fields = {"model_id": key, "iteration_id": version_key, "name": name, "uri": uri}
        options = {"replicas": 2, "pool_type": 1, "description": "to sell"}
        told = self.ask(codes, "service", "create", **fields, **options)
        if told:
            assert told["result"] is True
            self.life.service(
                told["serviceId"], told["serviceUuid"], version, name, uri, 2, "to sell"
            )  # fmt: skip

    @precondition(known("services"))
    @rule(number=picks, version=picks, name=names, replicas=st.integers(0, 2))
    def change_service(self, number, version, name, replicas):
        """Change a service; another version or number of instances is deployed anew."""
        service, key = self.pick(self.life.services, number)
        version, version_key = self.pick(self.life.versions, version)
        fits = service and version and 2 <= len(name) <= 20 and replicas
        fields = {"modelId": version_key, "name": name, "resourceConfig": {"replicasCount": replicas}}
        if self.ask(set() if fits else {BAD_FIELD}, "service.v2", "modify", service_id=key, **fields):
            self.life.change(service, version, name, replicas)

    @precondition(known("services"))
    @rule(number=picks, twin=twins)
    def look_at_service(self, number, twin):
        """A service tells what it is and whether it is deployed, in both words."""
        service, key = self.pick(self.life.services, number, twin)
        codes = set() if service else {BAD_FIELD}
        told = self.ask(codes, "service", "get", id=key)
        told_2 = self.ask(codes, "service.v2", "get", service_id=key)
        if service:
            self.life.services.number(service, told["id"])
            self.life.versions.number(service.version, told["iterationId"])
            self.life.models.number(service.version.model, told["modelId"])
            deploying = service.is_deploying(self.life.now)
            for one in (told, told_2):
                assert (one["name"], one["description"]) == (service.title, service.description)
            assert (told["uri"], told["serviceUuid"]) == (service.uri, service.uid)
            assert told["vmConfig"]["instanceCount"] == service.replicas
            assert told["serviceStatus"] == ("Deploying" if deploying else "Done")
            assert told["onlineTime"] == (0 if deploying else int(service.deployed + 20))
            assert (told["createTime"], told["modifyTime"]) == (int(service.created), int(service.changed))

    @precondition(known("services"))
    @rule(number=picks, pick=st.integers(0, 99))
    def chat(self, number, pick):
        """A service that is deployed answers with what its model has learnt."""
        service, _ = self.pick(self.life.services, number)
        uri = service.uri if service else "nobody"
        codes = self.life.may_refuse_chat(uri)
        learnt = list(self.life.learnt(service).items()) if service else [("Hello", "")]
        prompt, response = learnt[pick % len(learnt)]
        messages = [{"role": "user", "content": prompt}]
        try:
            reply = self.caller.do("chat", "do", messages, endpoint=uri, retry_count=1)
        except APIError as error:
            refused = error
        else:
            assert not codes
            assert reply["result"] == response
            return
        assert refused.error_code in codes
