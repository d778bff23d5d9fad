"""A caller of a platform's admin API, which knows nothing of Python objects."""

from __future__ import annotations

import json

import urllib3

PREFIX = "/_platform"


class Admin:
    """Speaks JSON to the admin API over a real socket."""

    def __init__(self, platform):
        self.platform = platform
        self.http = urllib3.PoolManager(retries=False, timeout=30)

    def send(self, method, path, body=None, **headers):
        """Return the HTTP status and the JSON that answer a request."""
        data = None if method == "GET" else json.dumps({} if body is None else body)
        sent = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        answer = self.http.request(method, self.platform.url + PREFIX + path, body=data, headers=sent)
        return answer.status, answer.json()

    def do(self, method, path, body=None):
        """Return the JSON of a request that succeeds."""
        status, answer = self.send(method, path, body)
        assert status == 200, answer
        return answer

    def refused(self, method, path, body=None, **headers):
        """Return the status, the code and the words with which a request is refused."""
        status, answer = self.send(method, path, body, **headers)
        assert answer.keys() == {"error"}
        return status, answer["error"]["code"], answer["error"]["message"]
