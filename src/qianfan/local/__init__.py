"""The platform on your own machine (本地平台): no account, no key, no network.

A strict, stateful server that speaks the platform's wire protocol, on a real port of the loopback
interface:

    with qianfan.local.platform() as platform:
        chat = platform.client().chat
        print(chat.do(messages=[{"role": "user", "content": "你好"}])["result"])

Its replies are made up by plain rules and say so. Tokens expire on its own clock, messages must
alternate, parameters have ranges, quotas answer the platform's own codes; `qianfan.local.fidelity`
lists every rule and where it is known from.

Importing this starts nothing and needs no extra; starting a platform needs `qianfan[local]`.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from qianfan.local import hosts, remote
from qianfan.local.clock import Clock
from qianfan.local.console.store import MEMORY
from qianfan.local.faults import Fault, Faults, on
from qianfan.local.journal import Call, Calls
from qianfan.local.oauth import Application
from qianfan.local.platform import Platform
from qianfan.local.script import Rule, Turn
from qianfan.local.state import Options

__all__ = [
    "Application",
    "Call",
    "Calls",
    "Clock",
    "Fault",
    "Faults",
    "Platform",
    "Rule",
    "Turn",
    "embedded",
    "on",
    "platform",
]

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_log = logging.getLogger("qianfan")
_log.addHandler(logging.NullHandler())  # else Python writes warnings to stderr where nobody set a handler


def platform(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    allow_remote: bool = False,
    allow_hosts: Sequence[str] = (),
    admin_token: str | None = None,
    qps: float | None = None,
    rpm: int | None = None,
    tpm: int | None = None,
    token_lifetime: int = 2_592_000,
    any_key: bool = False,
    any_endpoint: bool = False,
    any_dataset: bool = False,
    chunk_delay: float = 0.0,
    journal_size: int = 10_000,
    faults: Sequence[Fault] = (),
    seed: int | None = None,
    upstream: str | None = None,
    upstream_key: str | None = None,
    upstream_model: str | Mapping[str, str] | None = None,
    upstream_timeout: float = 300.0,
    record: str | os.PathLike[str] | None = None,
    replay: str | os.PathLike[str] | None = None,
    replay_pace: float = 1.0,
    clock: Clock | None = None,
    state: str | os.PathLike[str] | None = None,
) -> Platform:
    """Return a local platform; `with` or `start()` starts it.

    Args:
        host: The address to listen on; all but loopback needs `allow_remote`.
        port: The port to listen on; 0 takes a free one.
        allow_remote: Let other machines in. The platform's keys are not those that everybody knows then,
            but made from the admin token; `any_key` cannot be.
        allow_hosts: Names, beside `localhost` and the host, by which the platform may be called, such as
            that of a container; IP addresses always may. Requests for another are refused: they may come
            from a page in a browser.
        admin_token: What alone opens the admin API where other machines are let in, and makes the keys; by
            default made up.
        qps: Most calls per second of one application at one endpoint; more answer 18. On v2, where all
            that goes beyond a limit is HTTP 429, of one application or key with one model.
        rpm: Most calls per minute, likewise; more answer 336501.
        tpm: Most tokens per minute, input and output; calls after that answer 336502.
        token_lifetime: Seconds an access token of v1 lives; one of v2 lives as long as was asked for.
        any_key: Take every non-empty API Key, Secret Key, access token, bearer and `appid`, and every
            signature that has the form and is not expired.
        any_endpoint: Let every custom endpoint answer, and on v2 every model's name, not only the
            catalogue's and the added ones.
        any_dataset: Let built-in samples stand for any dataset that a job names.
        chunk_delay: Seconds of the clock between the events of a stream.
        journal_size: Most calls the journal keeps.
        faults: What shall go wrong, see `on`; more can be added while the platform runs.
        seed: What the chances of faults begin with, so that a run can be repeated; by default made up.
        upstream: The base URL of a server that speaks OpenAI's protocol, such as `http://127.0.0.1:11434/v1`:
            it has the words of chat and completion, and the vectors; all else stays as it is. Or `qianfan`:
            calls are passed on to Baidu's own platform as they are; `qianfan+URL`: to one that is there.
        upstream_key: Its key, which is sent to nobody else and shown nowhere. Where calls are passed on, an
            API key of v2, or `ACCESS_KEY:SECRET_KEY` for v1 and the console, which stands in for the keys
            of the callers; without one, theirs are passed on.
        upstream_model: What it calls the models: one name for all, or names by the model that is called,
            by `chat`, `completion` or `embedding`, or by `*`. By default as the platform calls them on v2.
        upstream_timeout: Seconds it may be silent.
        record: A folder in which every call and its answer are kept, one file each, without secrets.
        replay: A folder of recordings, which answer what they were asked. What they were not is an error,
            or with `upstream` or `record` answered as without them. Keys do not count.
        replay_pace: How much of the recorded time passes: 1 as it was, 0 none.
        clock: The clock tokens and quotas follow; by default a new one that runs with the real one.
        state: The file that keeps the applications, the access keys, the clock and all that the console
            manages, over restarts; it is made where there is none. By default nothing is kept. While the
            platform runs, no other can use the file.

    Raises:
        ValueError: An address that other machines can reach without leave, a limit, lifetime, delay, size, fault, upstream or recording that could not work; a file that
            holds no state, or one of another version, a damaged one, or one in use.
        OSError: The state file, or the folder to record in, cannot be written.
    """
    options = Options(
        qps=qps,
        rpm=rpm,
        tpm=tpm,
        token_lifetime=token_lifetime,
        any_key=any_key,
        any_endpoint=any_endpoint,
        any_dataset=any_dataset,
        chunk_delay=chunk_delay,
        journal_size=journal_size,
        faults=tuple(faults),
        seed=seed,
        upstream=upstream,
        upstream_key=upstream_key,
        upstream_model=upstream_model,
        upstream_timeout=upstream_timeout,
        record=None if record is None else str(Path(record).resolve()),
        replay=None if replay is None else str(Path(replay).resolve()),
        replay_pace=replay_pace,
        allow_hosts=(host, *map(hosts.name, allow_hosts)),
        admin_token=remote.token(host, admin_token, allowed=allow_remote),
    )
    path = MEMORY if state is None else str(Path(state).resolve())  # a program may change its directory
    return Platform(options, host=host, port=port, clock=clock, path=path)


_embedded: dict[int, Platform] = {}  # by process id: see embedded()
_embedded_lock = threading.Lock()


def embedded() -> Platform:
    """Return this process's own platform, started at the first call: the one behind `QIANFAN_LOCAL=1`.

    It takes any key, any endpoint and any dataset, says once on the log where it runs, and stops at exit. After a
    fork, the child gets a platform of its own at its first call, so that it does not depend on its
    parent's life; clients made before the fork go on talking to the parent's.

    Raises:
        ImportError: The extra `local` is not installed.
    """
    with _embedded_lock:
        pid = os.getpid()
        if pid not in _embedded:
            _embedded[pid] = platform(any_key=True, any_endpoint=True, any_dataset=True).start()
            _log.warning("QIANFAN_LOCAL: a local platform answers at %s, not Baidu's", _embedded[pid].url)
        return _embedded[pid]


@atexit.register
def _stop_embedded() -> None:
    own = _embedded.pop(os.getpid(), None)
    if own is not None:
        own.stop()


if hasattr(os, "register_at_fork"):  # not on Windows; a child must not inherit a lock that is held
    os.register_at_fork(
        before=_embedded_lock.acquire,
        after_in_parent=_embedded_lock.release,
        after_in_child=_embedded_lock.release,
    )
