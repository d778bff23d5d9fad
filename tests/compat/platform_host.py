"""Local platforms that a program of another Python steers, one at a time.

A line of JSON asks, [method, arguments], and a line of JSON answers. `start` takes the options of
`qianfan.local.platform`, and `speed`, how fast its clock runs; it answers the attributes below. Every
other method is the platform's own.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict

import qianfan
from qianfan.local.journal import Calls

ATTRIBUTES = ("url", "ak", "sk", "access_key", "secret_key", "api_key", "app_id")


def start(speed=1, **options):
    """Start a platform."""
    began = time.time()
    clock = qianfan.local.Clock(lambda: began + speed * (time.time() - began))
    return qianfan.local.platform(clock=clock, **options).start()


def main():
    """Serve until the input ends."""
    platform = qianfan.local.platform()
    for line in sys.stdin:
        method, arguments = json.loads(line)
        if method == "start":
            platform.stop()
            platform = start(**arguments)
            answer = {name: getattr(platform, name) for name in ATTRIBUTES}
        else:
            answer = getattr(platform, method)(**arguments)
        if isinstance(answer, Calls):
            answer = [json.loads(line) for line in answer.to_jsonl().splitlines()]
        sys.stdout.write(json.dumps(answer, default=asdict) + "\n")
        sys.stdout.flush()
    platform.stop()


if __name__ == "__main__":
    main()
