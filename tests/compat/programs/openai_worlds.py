"""One way of calling for both of openai's clients, so that a program is written once for the two."""

from __future__ import annotations

import asyncio
from operator import attrgetter

from openai import AsyncOpenAI, OpenAI


class Sync:
    """The client that waits."""

    def __init__(self, settings):
        self.client = OpenAI(**settings)

    def call(self, name, **arguments):
        """Call a method by its dotted name; of a stream, return the list of its chunks."""
        reply = attrgetter(name)(self.client)(**arguments)
        return list(reply) if arguments.get("stream") else reply

    def follow(self, **arguments):
        """Stream a chat by the helper that puts the chunks together, and return what it makes of them."""
        with self.client.chat.completions.stream(**arguments) as stream:
            return stream.get_final_completion()

    def close(self):
        """Close the client."""
        self.client.close()


class Async:
    """The client for event loops, on one of its own."""

    def __init__(self, settings):
        self._loop = asyncio.new_event_loop()
        self.client = AsyncOpenAI(**settings)

    def call(self, name, **arguments):
        """Call a method by its dotted name; of a stream, return the list of its chunks."""

        async def called():
            reply = await attrgetter(name)(self.client)(**arguments)
            return [chunk async for chunk in reply] if arguments.get("stream") else reply

        return self._loop.run_until_complete(called())

    def follow(self, **arguments):
        """Stream a chat by the helper that puts the chunks together, and return what it makes of them."""

        async def followed():
            async with self.client.chat.completions.stream(**arguments) as stream:
                return await stream.get_final_completion()

        return self._loop.run_until_complete(followed())

    def close(self):
        """Close the client and its loop."""
        self._loop.run_until_complete(self.client.close())
        self._loop.close()


WORLDS = {"sync": Sync, "async": Async}
