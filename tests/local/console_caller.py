"""A caller of the console over plain HTTP, signing with the official signer, knowing nothing of the SDK."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import time
from datetime import datetime, timezone
from urllib.parse import urlencode, urlsplit

import urllib3
from baidubce.auth.bce_credentials import BceCredentials
from baidubce.auth.bce_v1_signer import sign

README_JOB = {  # the example of the SDK's README of 2023, without the ids
    "baseTrainType": "ERNIE-Bot-turbo",
    "trainType": "ERNIE-Bot-turbo-0725",
    "trainMode": "SFT",
    "peftType": "LoRA",
    "trainConfig": {"epoch": 4, "learningRate": 0.00002, "batchSize": 4, "maxSeqLen": 4096},
    "trainsetRate": 20,
}


UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Console:
    """Signs and sends calls to a platform."""

    def __init__(self, platform, url=None, keys=None):
        self.platform = platform
        self.url = url or platform.url
        self.keys = keys or (platform.access_key, platform.secret_key)
        self.http = urllib3.PoolManager(retries=False, timeout=10)

    def sign(
        self,
        method,
        path,
        query=None,
        *,
        late=0,
        expiration=300,
        keys=None,
        extra=None,
        signed=None,
        date=True,
    ):
        """Return the headers of a request, signed by the machine's clock, which judges them too.

        Args:
            method: The HTTP method.
            path: The URL's path.
            query: The query's parameters.
            late: Seconds ago that it was signed.
            expiration: Seconds the signature is valid.
            keys: Access Key and Secret Key, where not the caller's.
            extra: More headers; one that is None is not sent.
            signed: The names to list, in their order; None for all headers, () for the default set.
            date: Whether to send `x-bce-date`.
        """
        moment = int(time.time()) - late
        stamp = datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = {"Host": urlsplit(self.url).netloc, "Content-Type": "application/json"}
        headers = {**headers, **({"x-bce-date": stamp} if date else {}), **(extra or {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        names = [name.lower() for name in headers] if signed is None else signed
        ak, sk = keys or self.keys
        signature = sign(
            BceCredentials(ak, sk),
            method.encode(),
            path.encode(),
            {name.encode(): value.encode() for name, value in headers.items()},
            {name.encode(): value.encode() for name, value in (query or {}).items()},
            moment,
            expiration,
            [name.encode() for name in names],
        )
        return {**headers, "Authorization": signature.decode()}

    def send(self, path, body=b"{}", query=None, method="POST", headers=None, **options):
        """Send bytes, signed unless headers are given."""
        query = query or {}
        headers = self.sign(method, path, query, **options) if headers is None else headers
        target = f"{path}?{urlencode(query)}" if query else path
        return self.http.request(method, self.url + target, body=body, headers=headers)

    def exact(self, method, target, headers, body=b"{}"):
        """Send a request line and headers (pairs of name and value) exactly as given; return status, headers, JSON."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        with contextlib.closing(connection):
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value.encode())
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return response.status, response.headers, json.loads(response.read())

    def call(self, path, **body):
        """Return the JSON answer of a v1 call."""
        reply = self.send(f"/wenxinworkshop/{path}", json.dumps(body).encode())
        assert reply.status == 200, reply.data
        return reply.json()

    def result(self, path, **body):
        """Return the result of a v1 call that succeeds."""
        answer = self.call(path, **body)
        assert answer == {"log_id": answer["log_id"], **beside(path), "result": answer["result"]}
        return answer["result"]

    def code(self, path, **body):
        """Return the error code of a v1 call that is refused."""
        answer = self.call(path, **body)
        assert set(answer) == {"log_id", "error_code", "error_msg"}, answer
        return answer["error_code"]

    def act(self, group, action, **body):
        """Return the HTTP status and the JSON answer of a v2 action."""
        reply = self.send(f"/v2/{group}", json.dumps(body).encode(), {"Action": action})
        return reply.status, reply.json()

    def done(self, group, action, **body):
        """Return the result of a v2 action that succeeds."""
        status, answer = self.act(group, action, **body)
        assert status == 200, answer
        assert set(answer) == {"requestId", "result"}
        return answer["result"]

    def refused(self, group, action, **body):
        """Return the HTTP status and the code of a v2 action that is refused."""
        status, answer = self.act(group, action, **body)
        assert set(answer) == {"requestId", "code", "message"}, answer
        return status, answer["code"]

    def dataset(self, count=40, name="set"):
        """Register made-up samples; return the dataset's id."""
        return self.platform.add_dataset(lines(count), name).id

    def task(self, name="demo"):
        """Create a task; return its id."""
        return self.result("finetune/createTask", name=name)["id"]

    def job(self, task, dataset, **changes):
        """Start the README's job; return its id."""
        return self.result("finetune/createJob", **self.body(task, dataset, **changes))["id"]

    def body(self, task, dataset, **changes):
        """Return the body of the README's job."""
        return {"taskId": task, **README_JOB, "trainset": [{"type": 1, "id": dataset}], **changes}

    def detail(self, task, job):
        """Return how a job stands."""
        return self.result("finetune/jobDetail", taskId=task, jobId=job)

    def finished(self, name="demo", dataset=None, **changes):
        """Return task and job of a job that is finished."""
        task = self.task(name)
        job = self.job(task, dataset or self.dataset(), **changes)
        self.platform.advance(minutes=30)
        return task, job

    def published(self, name="demo", **options):
        """Return the answer of publishing a finished job as a new model."""
        task, job = self.finished(name, **options)
        meta = {"taskId": task, "iterationId": job}
        return self.result("modelrepo/publishTrainModel", isNewModel=True, modelName=name, versionMeta=meta)

    def service(self, uri, model, version, **changes):
        """Return the body of a service."""
        fields = {"modelId": model, "iterationId": version, "name": "my service", "uri": uri}
        return {**fields, "replicas": 1, "poolType": 1, **changes}


def lines(count=40):
    """Return made-up samples whose prompts have little in common."""
    words = ["apple", "river", "stone", "cloud", "tiger", "piano", "ocean", "candle", "desert", "violin"]
    return [
        {
            "prompt": f"Which {words[i % 10]}{i} does the {words[i // 10 % 10]} keeper like?",
            "response": f"Secret answer number {i}.",
        }
        for i in range(count)
    ]


def beside(path):
    """Return what a path of v1 answers beside `log_id` and `result`."""
    return {"status": 200, "success": True} if path.startswith("dataset/") else {}


def check(reply, path):
    """Return the code of a refusal, or None; assert that the answer has the shape of its version."""
    answer = reply.json()
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    if path.startswith("/v2/"):
        assert re.fullmatch(UUID, answer["requestId"])
        if reply.status == 200:
            assert set(answer) == {"requestId", "result"}
            return None
        assert 400 <= reply.status < 500
        assert set(answer) == {"requestId", "code", "message"}
        assert re.fullmatch("[A-Za-z]+", answer["code"])
        assert answer["message"]
        return answer["code"]
    assert re.fullmatch(r"\d{10}", answer["log_id"])
    if "result" in answer:
        told = beside(path.removeprefix("/wenxinworkshop/"))
        assert answer == {"log_id": answer["log_id"], **told, "result": answer["result"]}
        return None
    assert set(answer) == {"log_id", "error_code", "error_msg"}
    assert answer["error_msg"]
    return answer["error_code"]
