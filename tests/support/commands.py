"""The command `qianfan` in processes of its own: with pipes, or at a terminal."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time

import pytest

from support.processes import PATIENCE, _bare_environment

posix = pytest.mark.skipif(os.name != "posix", reason="signals and terminals as POSIX has them")

COMMAND = [sys.executable, "-m", "qianfan"]

#: What makes libraries write colours although nobody asked.
_COLOURS = {"FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "GITHUB_ACTIONS", "TERM", "COLUMNS", "LINES"}

#: Becomes a command for which Ctrl-C means what it does at a shell, whatever started the tests.
_LEAD = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
if os.isatty(0):
    import fcntl, termios
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def environment(**env):
    """Return an environment without keys and colours, and with what a test adds."""
    kept = {name: value for name, value in _bare_environment().items() if name not in _COLOURS}
    return {**kept, "PYTHONIOENCODING": "utf-8", "TERM": "dumb", "COLUMNS": "200", **env}


def run(*arguments, typed=None, command=COMMAND, **env):
    """Run the command and return how it ended; what is no terminal gets no escape codes."""
    done = subprocess.run(
        [*command, *arguments],
        **({"stdin": subprocess.DEVNULL} if typed is None else {"input": typed}),
        capture_output=True,
        env=environment(**env),
        timeout=PATIENCE,
        check=False,
    )
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    assert "\x1b" not in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


def one_line(done, code):
    """Return the one line on stderr with which a command ended that had nothing to print."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def started(*arguments, **env):
    """Start the command, with pipes, to be read and signalled; it is killed when the block ends."""
    return _Started(
        [sys.executable, "-c", _LEAD, *COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(**env),
    )


class _Started(subprocess.Popen):
    """A process that does not outlive its block."""

    def __exit__(self, *error):
        self.kill()
        super().__exit__(*error)


class Terminal:
    """The command at a terminal of its own, as a user sees it."""

    def __init__(self, *arguments, **env):
        import pty

        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _LEAD, *COMMAND, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=environment(**env),
        )
        os.close(slave)
        self.screen = ""
        self._seen = 0
        self._bytes = b""

    def see(self, text):
        """Wait until a text shows after what was seen before, and return what came before it."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.screen.find(text, self._seen)) < 0:
            assert self._read(deadline), f"{text!r} never came; the screen:\n{self.screen}"
        before = self.screen[self._seen : found]
        self._seen = found + len(text)
        return before

    def type(self, text):
        """Type a text; a control character is the key with its letter."""
        os.write(self._master, text.encode())

    def press_until(self, key, text):
        """Press a key until a text shows.

        A Ctrl-C that comes after the prompt is written but before readline waits for a key is lost on
        readline; a user presses again.
        """
        deadline = time.monotonic() + PATIENCE
        while self.screen.find(text, self._seen) < 0:
            assert time.monotonic() < deadline, f"{text!r} never came; the screen:\n{self.screen}"
            self.type(key)
            self._read(time.monotonic() + 1)
        self.see(text)

    def end(self):
        """Wait for the end of the process, and return its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline):
            pass
        return self.process.wait(timeout=PATIENCE)

    def _read(self, deadline):
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        try:
            data = os.read(self._master, 4096) if ready else b""
        except OSError:  # Linux's way of saying that the other side is closed
            data = b""
        self._bytes += data
        text = self._bytes.decode("utf-8", "ignore").replace("\r\n", "\n")
        self.screen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
        return bool(data)

    def close(self):
        """End what is still running."""
        self.process.kill()
        self.process.wait()
        os.close(self._master)
