"""Cold starts: a statement, timed by itself inside a fresh interpreter."""

from __future__ import annotations

import resource
import subprocess
import time

BARE = "import urllib3, orjson"
BARE_ASYNC = "import aiohttp, orjson"
BARE_CALL = """
url = SERVER + '/rpc/2.0/ai_custom/v1/wenxinworkshop/chat/eb-instant?access_token=24.x'
data = orjson.dumps({'messages': [{'role': 'user', 'content': 'hi'}]})
headers = {'Content-Type': 'application/json'}
"""
BARE_POST = "orjson.loads(pool.request('POST', url, body=data, headers=headers).data)['result']"
BARE_ASYNC_POST = """
import asyncio
async def main():
    async with aiohttp.ClientSession() as session, session.post(url, data=data, headers=headers) as response:
        return orjson.loads(await response.read())['result']
asyncio.run(main())
"""
QIANFAN = "import qianfan"
QIANFAN_CLIENT = "chat = qianfan.ChatCompletion(access_token='24.x')"
QIANFAN_CALL = "chat.do(messages=[{'role': 'user', 'content': 'hi'}])['result']"
QIANFAN_ASYNC_CALL = """
import asyncio
async def main():
    return (await chat.ado(messages=[{'role': 'user', 'content': 'hi'}]))['result']
asyncio.run(main())
"""
OPENAI = "import openai"
OPENAI_CLIENT = "client = openai.OpenAI(api_key='x', base_url=SERVER + '/v2')"
OPENAI_CALL = "client.chat.completions.create(model='m', messages=[{'role': 'user', 'content': 'hi'}])"
OPENAI_ASYNC_CALL = """
import asyncio
async def main():
    client = openai.AsyncOpenAI(api_key='x', base_url=SERVER + '/v2')
    await client.chat.completions.create(model='m', messages=[{'role': 'user', 'content': 'hi'}])
asyncio.run(main())
"""

STATEMENTS: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
    ("start", "sync"): {"bare": (), "ours": (), "openai": (), "official": ()},
    ("import", "sync"): {"bare": (BARE,), "ours": (QIANFAN,), "openai": (OPENAI,), "official": (QIANFAN,)},
    ("import", "async"): {"bare": (BARE_ASYNC,)},
    ("client", "sync"): {
        "bare": (BARE, "pool = urllib3.PoolManager()"),
        "ours": (QIANFAN, QIANFAN_CLIENT),
        "openai": (OPENAI, OPENAI_CLIENT),
        "official": (QIANFAN, QIANFAN_CLIENT),
    },
    ("call", "sync"): {
        "bare": (BARE, "pool = urllib3.PoolManager()", BARE_CALL, BARE_POST),
        "ours": (QIANFAN, QIANFAN_CLIENT, QIANFAN_CALL),
        "openai": (OPENAI, OPENAI_CLIENT, OPENAI_CALL),
        "official": (QIANFAN, QIANFAN_CLIENT, QIANFAN_CALL),
    },
    ("call", "async"): {
        "bare": (BARE_ASYNC, BARE_CALL, BARE_ASYNC_POST),
        "ours": (QIANFAN, QIANFAN_CLIENT, QIANFAN_ASYNC_CALL),
        "openai": (OPENAI, OPENAI_ASYNC_CALL),
        "official": (QIANFAN, QIANFAN_CLIENT, QIANFAN_ASYNC_CALL),
    },
}

FRAME = """
import os, sys, time
SERVER = os.environ['QIANFAN_BASE_URL']
wall, cpu = time.perf_counter(), time.process_time()
{}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(wall * 1e3, cpu * 1e3, len(set(sys.modules) & {{'asyncio', 'aiohttp'}}), flush=True)
os._exit(0)
"""
EMPTY = "pass"


def measure(python: str, statements: tuple[str, ...], env: dict[str, str]) -> dict[str, float]:
    """CPU ("figure") and wall milliseconds of the statements, and how many async packages they loaded.

    Without statements: those of a whole interpreter that does nothing.
    """
    program = FRAME.format("\n".join(statements)) if statements else EMPTY
    wall, cpu = time.perf_counter(), children_cpu()
    done = subprocess.run(
        [python, "-c", program],
        env=env,
        cwd=env["HOME"],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if not statements:
        return {"figure": (children_cpu() - cpu) * 1e3, "wall": (time.perf_counter() - wall) * 1e3}
    inner_wall, inner_cpu, modules = map(float, done.stdout.split())
    return {"figure": inner_cpu, "wall": inner_wall, "modules": modules}


def children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
