"""That a program which uses the client ends cleanly: nothing left, nothing said, every warning an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.processes import python
from support.replies import Gate, events, stream

_START = """
import asyncio, gc, sys, threading, qianfan
MESSAGES = [{{"role": "user", "content": "你好"}}]
chat = qianfan.ChatCompletion(ak="a", sk="b", base_url={url!r})
client = qianfan.Qianfan(ak="a", sk="b", base_url={url!r})

async def read(chat):
    return [item["result"] async for item in await chat.ado(MESSAGES, stream=True)]
"""

#: Programs that must end without a word on stderr; each leaves things behind in its own way.
PROGRAMS = {
    "nothing but an object": "",
    "sync": """
        chat.do(MESSAGES)
        list(chat.do(MESSAGES, stream=True))
        client.chat.do(MESSAGES)
        client.close()
        for _ in range(5):
            qianfan.ChatCompletion(ak="a", sk="b", base_url=chat._client._settings.base_url).do(MESSAGES)
        gc.collect()
        threads = [threading.Thread(target=chat.do, args=(MESSAGES,)) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert threading.active_count() == 1
    """,
    "sync streams left open": """
        stream = chat.do(MESSAGES, stream=True)
        next(stream)
        del stream
        def work():
            for item in chat.do(MESSAGES, stream=True):
                raise RuntimeError(item["result"])
        try:
            work()
        except RuntimeError as error:
            assert str(error) == "你好"
        kept = chat.do(MESSAGES, stream=True)
        next(kept)
    """,
    "a daemon thread in mid-stream": """
        started = threading.Event()
        def work():
            for item in chat.do(MESSAGES, stream=True):
                started.set()
                threading.Event().wait()
        threading.Thread(target=work, daemon=True).start()
        started.wait()
    """,
    "async": """
        async def main():
            await chat.ado(MESSAGES)
            await read(chat)
        asyncio.run(main())
        async def closed():
            async with client:
                await client.chat.ado(MESSAGES)
                await read(client.chat)
        asyncio.run(closed())
        client.close()
        asyncio.run(client.aclose())
    """,
    "async streams left open": """
        kept = []
        async def main():
            stream = await chat.ado(MESSAGES, stream=True)
            await stream.__anext__()
            del stream
            kept.append(await chat.ado(MESSAGES, stream=True))
        asyncio.run(main())
        kept.clear()
        gc.collect()
        asyncio.run(main())
        async def unfinished():
            task = asyncio.create_task(chat.ado(MESSAGES, stream=True))
            await asyncio.sleep(0)
        asyncio.run(unfinished())
    """,
    "loops closed by hand": """
        for _ in range(3):
            loop = asyncio.new_event_loop()
            loop.run_until_complete(chat.ado(MESSAGES))
            loop.run_until_complete(read(chat))
            loop.close()
            gc.collect()
        loop = asyncio.new_event_loop()
        loop.run_until_complete(client.chat.ado(MESSAGES))
        loop.run_until_complete(client.aclose())
        loop.close()
        gc.collect()
        loop = asyncio.new_event_loop()
        stream = loop.run_until_complete(chat.ado(MESSAGES, stream=True))
        loop.close()
        del stream
        gc.collect()
        asyncio.run(chat.ado(MESSAGES))
    """,
    "both, and errors on the way": """
        chat.do(MESSAGES)
        asyncio.run(chat.ado(MESSAGES))
        chat.do(MESSAGES)
        asyncio.run(read(chat))
        assert threading.active_count() == 1
        bad = qianfan.ChatCompletion(access_token="t", base_url="http://127.0.0.1:1", retry_count=1)
        for stream in (False, True):
            try:
                bad.do(MESSAGES, stream=stream)
            except qianfan.errors.ConnectionFailedError:
                pass
            try:
                asyncio.run(bad.ado(MESSAGES, stream=stream))
            except qianfan.errors.ConnectionFailedError:
                pass
    """,
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_ends_without_a_word(server, program):
    """Under `-X dev -W error` the program writes nothing to stderr and leaves no connection behind."""
    out = python(_START.format(url=server.url) + _dedented(PROGRAMS[program]))

    assert out == ""
    server.wait_idle()


def test_a_stream_that_stalls_does_not_hold_up_the_end(server):
    """A program that ends while a stream stalls ends at once."""
    server.always(stream(events("你好", "！")[0], Gate()))
    python(
        _START.format(url=server.url)
        + _dedented("""
        stream = chat.do(MESSAGES, stream=True)
        next(stream)
        async def main():
            stream = await chat.ado(MESSAGES, stream=True)
            await stream.__anext__()
        asyncio.run(main())
    """)
    )

    server.wait_idle()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system does not list open files there")
def test_one_loop_after_another_leaves_nothing_growing(server):
    """A dozen loops, one after another, leave no session, connection or file behind, also where closed by hand."""
    out = python(
        _START.format(url=server.url)
        + _dedented("""
        import os
        def by_asyncio_run():
            asyncio.run(chat.ado(MESSAGES))
        def by_hand():
            loop = asyncio.new_event_loop()
            loop.run_until_complete(chat.ado(MESSAGES))
            loop.close()
        for way in (by_asyncio_run, by_hand):
            for number in range(15):
                way()
                if number == 2:
                    before = len(os.listdir("/proc/self/fd"))
            gc.collect()
            print(way.__name__, len(os.listdir("/proc/self/fd")) - before)
    """)
    )

    assert out == "by_asyncio_run 0\nby_hand 0\n"


def _dedented(code):
    return "\n".join(line[8:] for line in code.splitlines())
