"""What the package logs, and who asks it to."""

from __future__ import annotations

import logging

import pytest
from support.processes import python
from support.replies import page, refusal
from support.worlds import MESSAGES, unary

import qianfan


def test_importing_logs_nothing_and_starts_nothing():
    """Importing the package prints nothing, adds no handler but a NullHandler, and imports neither transport."""
    out = python(
        """
        import logging, sys, threading
        before = list(logging.getLogger().handlers)
        import qianfan
        print(list(logging.getLogger().handlers) == before, threading.active_count())
        print([name for name in ("urllib3", "aiohttp", "asyncio", "ssl", "orjson") if name in sys.modules])
        import qianfan.log
        print([type(handler).__name__ for handler in logging.getLogger("qianfan").handlers])
        """
    )

    assert out == "True 1\n[]\n['NullHandler']\n"


def test_a_sync_client_never_imports_what_is_for_async(server):
    """A program that never calls async imports neither aiohttp nor asyncio."""
    out = python(
        f"""
        import sys, qianfan
        chat = qianfan.ChatCompletion(ak="a", sk="b", base_url={server.url!r})
        print(chat.do([{{"role": "user", "content": "x"}}])["result"][:2])
        print([name for name in ("aiohttp", "yarl", "multidict") if name in sys.modules])
        """
    )

    assert out == "你好\n[]\n"


@pytest.fixture
def log():
    """Return the logger, as it was before and after."""
    logger = logging.getLogger("qianfan")
    level = logger.level
    yield logger
    qianfan.disable_log()
    logger.setLevel(level)


on, off = qianfan.enable_log, qianfan.disable_log


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("switches", "lines"),
    [
        ([], 0),
        ([on], 1),
        ([on, on], 1),
        ([lambda: on("INFO")], 1),
        ([lambda: on("WARNING")], 0),
        ([on, off], 0),
        ([on, off, off, on], 1),
        ([off], 0),
    ],
)
def test_a_retry_is_one_line_where_the_log_is_on(server, chat, capsys, switches, lines):
    """At INFO a retry writes one line to stderr, however often the log was switched on; else nothing is written."""
    for switch in switches:
        switch()
    server.answer(page(502))
    chat.do(MESSAGES)

    written = capsys.readouterr().err.splitlines()
    assert len(written) == lines
    assert all("[INFO]" in line and "qianfan" in line and "502" in line for line in written)


@unary
def test_each_attempt_is_a_line_at_debug(world, server, chat, caplog):
    """At DEBUG each attempt is one line: what was sent where, without its query, and what came."""
    caplog.set_level(logging.DEBUG, "qianfan")
    server.answer(refusal(18))
    world.ask(chat)

    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.DEBUG]
    attempts = [line for line in lines if "/chat/eb-instant" in line]
    assert len(attempts) == 2
    assert "access_token" not in "".join(lines)


@pytest.mark.usefixtures("log")
def test_a_level_that_is_none_is_refused():
    """A level that logging does not know is refused, as logging itself does."""
    with pytest.raises(ValueError, match="LOUD"):
        qianfan.enable_log("LOUD")
