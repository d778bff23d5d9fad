"""A caller who asks either version of a platform's chat, and reads both answers alike."""

from __future__ import annotations

import json
from typing import NamedTuple

from local_caller import PREFIX, Caller
from v2_caller import MODEL, chunks, refusal

TOOL = {
    "name": "get_weather",
    "description": "查询天气",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


class Said(NamedTuple):
    """What was answered.

    Attributes:
        text: The words.
        calls: Names and arguments of the function calls.
        finish: The reason of the end, in the version's word.
        usage: The usage.
        body: The answer, or the events of a stream.
        events: The words of each event of a stream, of v2 without the last, which tells the usage.
    """

    text: str
    calls: list
    finish: str
    usage: dict
    body: dict | list
    events: tuple = ()


class Asker:
    """Asks one version of a platform, over connections of its own."""

    def __init__(self, platform, version):
        self.platform = platform
        self.version = version
        self.caller = Caller(platform)

    def send(self, *turns, endpoint="completions", model=MODEL, tools=(), **fields):
        """Send a conversation; return the response."""
        offered = list(tools) if self.version == 1 else [{"type": "function", "function": it} for it in tools]
        body = {"messages": self.messages(turns), **fields}
        if offered:
            body["functions" if self.version == 1 else "tools"] = offered
        if self.version == 2:
            body["model"] = model
        return self.post(body, f"/chat/{endpoint}" if self.version == 1 else "/chat/completions")

    def post(self, body, path):
        """Send a body to a path below the version's prefix; a stream is left to be read."""
        url, headers = f"{self.platform.url}/v2{path}", {"Authorization": f"Bearer {self.platform.api_key}"}
        if self.version == 1:
            url, headers = f"{self.platform.url}{PREFIX}{path}?access_token={self.caller.token}", {}
        return self.caller.http.request(
            "POST", url, json=body, headers=headers, preload_content=not body.get("stream")
        )

    def messages(self, turns):
        """Return the messages of a conversation, in which an answer `Said` and results may stand for themselves."""
        messages, waiting = [], []
        for turn in turns:
            if isinstance(turn, Said):
                message, waiting = self.called(turn)
                messages.append(message)
            elif isinstance(turn, tuple):
                messages += [self.result(name, text, waiting) for name, text in turn]
            else:
                spoke = messages[-1]["role"] if messages else "system"
                role = "user" if spoke in ("system", "assistant") else "assistant"
                messages.append({"role": role, "content": turn} if isinstance(turn, str) else turn)
        return messages

    def called(self, said):
        """Return the message of an answer, and the ids of its calls."""
        if self.version == 1:
            call = said.body.get("function_call")
            return {
                "role": "assistant",
                "content": said.text,
                **({"function_call": call} if call else {}),
            }, []
        message = said.body["choices"][0]["message"]
        return message, [call["id"] for call in message.get("tool_calls", [])]

    def result(self, name, text, waiting):
        """Return the message of what a function returned."""
        if self.version == 1:
            return {"role": "function", "name": name, "content": text}
        return {"role": "tool", "tool_call_id": waiting.pop(0), "content": text}

    def open(self, *turns, **fields):
        """Open a stream, to be read event by event."""
        return Opened(self.platform, self.send(*turns, stream=True, **fields))

    def ask(self, *turns, **options):
        """Return what is answered to a conversation."""
        body = self.send(*turns, **options).json()
        assert not {"error_code", "error"} & body.keys(), body
        if self.version == 1:
            call = body.get("function_call")
            calls = [(call["name"], call["arguments"])] if call else []
            return Said(body["result"], calls, body.get("finish_reason"), body["usage"], body)
        (choice,) = body["choices"]
        calls = [
            (it["function"]["name"], it["function"]["arguments"])
            for it in choice["message"].get("tool_calls", [])
        ]
        return Said(choice["message"]["content"], calls, choice["finish_reason"], body["usage"], body)

    def words(self, *turns, **options):
        """Return the words that are answered."""
        return self.ask(*turns, **options).text

    def stream(self, *turns, **options):
        """Return what is streamed, with the usage at its end."""
        if self.version == 2:
            options["stream_options"] = {"include_usage": True}
        response = self.send(*turns, stream=True, **options)
        if self.version == 1:
            *lines, _ = response.data.decode().split("\n\n")
            events = [json.loads(line.removeprefix("data: ")) for line in lines]
            texts, end = [event["result"] for event in events], events[-1].get("finish_reason")
        else:
            events = chunks(response)
            texts = [event["choices"][0]["delta"].get("content", "") for event in events[:-1]]
            end = events[-2]["choices"][0]["finish_reason"]
        return Said("".join(texts), [], end, events[-1]["usage"], events, texts)

    def refusal(self, *turns, **options):
        """Return the code and the message of a refusal."""
        response = self.send(*turns, **options)
        if self.version == 1:
            return response.json()["error_code"], response.json()["error_msg"]
        return refusal(response)[2:]


class Opened:
    """The stream of a platform's answer, read event by event."""

    def __init__(self, platform, response):
        self.platform = platform
        self.response = response
        self.read = b""

    def events(self, many):
        """Read so many events, and return how many the platform has sent."""
        while self.read.count(b"\n\n") < many:
            self.read += self.response.read1()
        self.read = self.read.split(b"\n\n", many)[-1]
        return len(self.platform.calls("chat").last.reply)
