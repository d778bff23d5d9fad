"""A caller of v2 over plain HTTP, knowing nothing of the SDK."""

from __future__ import annotations

import json

from local_caller import conversation

MODEL = "ernie-4.0-8k"
QUESTION = {"model": MODEL, "messages": [{"role": "user", "content": "你好"}]}


class V2:
    """Calls the v2 of a platform, over the connections of a caller that somebody else closes."""

    def __init__(self, caller):
        self.platform = caller.platform
        self.http = caller.http

    def send(self, path, body=b"", *, method="POST", key=None, headers=None):
        """Send bytes to a path under /v2, with the platform's key where none is given; "" sends none."""
        key = self.platform.api_key if key is None else key
        given = {"Authorization": f"Bearer {key}"} if key else {}
        return self.http.request(
            method, f"{self.platform.url}/v2{path}", body=body, headers={**given, **(headers or {})}
        )

    def post(self, body, path="/chat/completions", **options):
        """Send a body as JSON."""
        return self.send(path, json.dumps(body).encode(), **options)

    def get(self, path, **options):
        """Fetch a path."""
        return self.send(path, None, method="GET", **options)

    def ask(self, *turns, **fields):
        """Return the answer to a conversation of alternating turns."""
        response = self.post({"model": MODEL, "messages": conversation(*turns), **fields})
        assert response.status == 200, response.data
        return response.json()

    def choice(self, *turns, **fields):
        """Return the only choice of an answer."""
        (choice,) = self.ask(*turns, **fields)["choices"]
        return choice

    def stream(self, *turns, **fields):
        """Return the chunks of the answer's stream, whose end they must be followed by."""
        response = self.post({"model": MODEL, "messages": conversation(*turns), "stream": True, **fields})
        assert response.status == 200, response.data
        return chunks(response)

    def refusal(self, body, path="/chat/completions", **options):
        """Return the HTTP status and the error of a call that is refused."""
        return refusal(self.post(body, path, **options))


def chunks(response):
    """Return the chunks of a stream, which ends with [DONE]."""
    *events, done, nothing = response.data.decode().split("\n\n")
    assert (done, nothing) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


def refusal(response):
    """Return the HTTP status, type, code and message of an error answer, whose shape must be v2's."""
    body = response.json()
    assert set(body) == {"error", "id"}, body
    assert body["id"].startswith("as-")
    assert set(body["error"]) == {"code", "message", "type"}
    return response.status, body["error"]["type"], body["error"]["code"], body["error"]["message"]


def code(response):
    """Return the code of an error answer, None of every other."""
    return None if response.status == 200 else refusal(response)[2]
