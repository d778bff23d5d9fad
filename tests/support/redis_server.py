"""A Redis of a test's own: on a free port, with a directory of its own, to be killed and halted."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from contextlib import closing
from time import monotonic, sleep

PATH = os.environ.get("REDIS_SERVER") or shutil.which("redis-server")

_PATIENCE = 20.0  # seconds

_BUS = 10_000  # a node of a cluster has a port so much higher, too


class RedisServer:
    """A running Redis; use it in a `with` block.

    Args:
        directory: Where it runs.
        *options: More of its command line.
    """

    def __init__(self, directory, *options):
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.password = None
        if "--requirepass" in options:
            self.password = options[options.index("--requirepass") + 1]
        self._command = [
            *(PATH, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(directory)),
            *("--save", "", "--appendonly", "no", *options),
        ]
        self.start()

    def start(self):
        """Start it, also again after `kill`, and wait until it answers."""
        self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = monotonic() + _PATIENCE
        while not self._answers():
            assert monotonic() < deadline, "redis-server did not start"
            sleep(0.01)

    def _answers(self):
        import redis

        try:
            return self.command("PING")
        except redis.ConnectionError:
            return False

    def command(self, *words):
        """Return what it answers to one command."""
        import redis

        with closing(redis.Redis(port=self.port, password=self.password, decode_responses=True)) as client:
            return client.execute_command(*words)

    def connections(self):
        """Return how many connections there are beside the one that asks."""
        return int(self.command("INFO", "clients")["connected_clients"]) - 1

    def kill(self):
        """Kill it; what it held in memory is gone."""
        self.process.kill()
        self.process.wait()

    def halt(self):
        """Let it answer nothing, and its port swallow whatever is sent."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        """Let it answer again."""
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.kill()


def _free_port():
    """Return a port that nobody has, with room for the one that a node of a cluster has beside it."""
    while True:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        if port + _BUS < 65536:
            return port
