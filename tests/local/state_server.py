"""A platform on a state file in a process of its own, which may be killed."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading

from console_caller import Console
from support.processes import PATIENCE, _bare_environment

COMMAND = [sys.executable, "-m", "qianfan", "serve", "--port", "0", "--state"]

# A platform whose clock can be moved from outside; the README's job needs a dataset.
_PROGRAM = """
import sys
import console_caller
import qianfan.local

with qianfan.local.platform(state=sys.argv[1]) as platform:
    dataset = platform.add_dataset(console_caller.lines()).id
    for name, value in platform.environment.items():
        print(f"export {name}={value}")
    print(f"Ctrl-C {dataset}", flush=True)
    for line in sys.stdin:
        platform.advance(seconds=float(line))
        print("advanced", flush=True)
"""
PROGRAM = [sys.executable, "-c", _PROGRAM]


class StateServer:
    """A platform in a process of its own.

    Args:
        file: The state file.
        command: What starts it.
    """

    def __init__(self, file, command=PROGRAM):
        pipe = subprocess.PIPE
        path = os.pathsep.join(sys.path)
        env = {**_bare_environment(), "PYTHONIOENCODING": "utf-8", "PYTHONPATH": path}
        self.process = subprocess.Popen([*command, str(file)], stdin=pipe, stdout=pipe, stderr=pipe, env=env)
        self._lock = threading.Lock()
        self.environment = {}
        self.greeting = ""

    def ready(self):
        """Wait until it serves; return self."""
        for line in iter(self.process.stdout.readline, b""):
            self.greeting += line.decode()
            if "Ctrl-C" in self.greeting:
                break
        self.environment = dict(re.findall(r"export (\w+)=(\S+)", self.greeting))
        assert self.environment, self.process.communicate(timeout=PATIENCE)
        return self

    @property
    def dataset(self):
        """The id of the dataset it has."""
        return int(self.greeting.split()[-1])

    def console(self):
        """Return a caller of its console."""
        names = "QIANFAN_BASE_URL", "QIANFAN_ACCESS_KEY", "QIANFAN_SECRET_KEY"
        url, ak, sk = map(self.environment.__getitem__, names)
        return Console(None, url, (ak, sk))

    def advance(self, seconds):
        """Move its clock; return whether it said so."""
        try:
            with self._lock:
                self.process.stdin.write(b"%d\n" % seconds)
                self.process.stdin.flush()
                return self.process.stdout.readline() == b"advanced\n"
        except (OSError, ValueError):  # it was killed, and `end` may have closed the pipe
            return False

    def end(self, number=None):
        """End it by a signal, or wait for its own end; return what it wrote on stderr."""
        if number is not None:
            self.process.send_signal(number)
        self.process.wait(timeout=PATIENCE)
        with self._lock, self.process.stdout, self.process.stderr:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
            return self.process.stderr.read().decode()
