"""A caller who speaks plain HTTP to a platform, knowing nothing of the SDK."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import urllib3

PREFIX = "/rpc/2.0/ai_custom/v1/wenxinworkshop"


class Caller:
    """Speaks to a platform over a real socket, knowing nothing of the SDK."""

    def __init__(self, platform):
        self.platform = platform
        self.http = urllib3.PoolManager(retries=False, timeout=10)
        self.saved = None

    def authorise(self, **changes):
        """Ask for a token with the default application's keys, changed where told (None: left out)."""
        query = {
            "grant_type": "client_credentials",
            "client_id": self.platform.ak,
            "client_secret": self.platform.sk,
        }
        query = {name: value for name, value in {**query, **changes}.items() if value is not None}
        return self.http.request("POST", f"{self.platform.url}/oauth/2.0/token?{urlencode(query)}")

    @property
    def token(self):
        """The caller's access token, asked for once."""
        if self.saved is None:
            self.saved = self.authorise().json()["access_token"]
        return self.saved

    def send(self, path, body=b"", *, method="POST", token=None, headers=None):
        """Send bytes to a path under the inference prefix."""
        url = f"{self.platform.url}{PREFIX}{path}?access_token={self.token if token is None else token}"
        return self.http.request(method, url, body=body, headers=headers)

    def post(self, body, endpoint="completions", *, service="chat", **options):
        """Send a body as JSON to an endpoint of a service, chat where none is named."""
        return self.send(f"/{service}/{endpoint}", json.dumps(body).encode(), **options)

    def ask(self, *turns, endpoint="completions", **fields):
        """Return the JSON answer to a conversation of alternating turns."""
        return self.post({"messages": conversation(*turns), **fields}, endpoint).json()

    def stream(self, *turns, endpoint="completions", **fields):
        """Return the events of the answer's stream."""
        response = self.post({"messages": conversation(*turns), "stream": True, **fields}, endpoint)
        return [
            json.loads(event.removeprefix("data: ")) for event in response.data.decode().split("\n\n")[:-1]
        ]


def conversation(*turns):
    """Return messages: texts take turns as user and assistant, a dict stands for itself."""
    return [
        turn if isinstance(turn, dict) else {"role": ("user", "assistant")[index % 2], "content": turn}
        for index, turn in enumerate(turns)
    ]
