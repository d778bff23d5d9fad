"""Where answers come from that the platform does not make itself, and where they are kept."""

from __future__ import annotations

import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

from qianfan import catalog
from qianfan.local.cassette.recorder import Recorder
from qianfan.local.cassette.replay import Replay
from qianfan.local.cassette.tape import Tape
from qianfan.local.console import gate
from qianfan.local.handler import Answering
from qianfan.local.upstream.names import Names
from qianfan.local.upstream.passing import PLATFORM, Passing
from qianfan.local.upstream.server import Upstream
from qianfan.local.wire import Refusal, Reply, as_object

if TYPE_CHECKING:
    from starlette.types import Send

    from qianfan.local.clock import Clock
    from qianfan.local.faults import Faults
    from qianfan.local.journal import Call
    from qianfan.local.state import Options
    from qianfan.local.wire import Request

# What gives out tokens, and whose answers are nothing but secrets: never kept, never given again.
TOKENS = frozenset({"token", "exchange"})

_LOOP, _BAD_REQUEST = 336008, 400

_NAMED = frozenset(catalog.paths()) - {"erniebot"}  # the families whose models the catalogue names


class Elsewhere:
    """The others behind one platform, and its recordings.

    Args:
        options: Which of them there are.
        clock: The platform's time.
        faults: What shall go wrong, whoever answers.

    Attributes:
        upstream: The server that has the words of chat, completion and embedding, or None.
        recorder: What keeps the answers, or None.

    Raises:
        ValueError: An option that could not work.
        OSError: The folder of the recordings cannot be made.
    """

    def __init__(self, options: Options, clock: Clock, faults: Faults) -> None:
        where, key = options.upstream, options.upstream_key or None
        if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
            raise ValueError("upstream_key must be of letters, digits and signs, with no blank in it")
        self.upstream: Upstream | None = None
        self._passing: Passing | None = None
        self._via = f"qianfan-local-{secrets.token_hex(8)}"  # what this platform goes by in the header `Via`
        if not options.upstream_timeout > 0:
            raise ValueError(f"upstream_timeout must be above 0 seconds, not {options.upstream_timeout}")
        if where is not None and where.partition("+")[0] == PLATFORM:
            if options.upstream_model:
                raise ValueError("calls that are passed on as they are keep the names of their models")
            self._passing = Passing(where, key, options.upstream_timeout, self._via)
        elif where is not None:
            names = Names(options.upstream_model)
            self.upstream = Upstream(where, key, names, options.upstream_timeout, self._via)
        if options.replay_pace < 0:
            raise ValueError(f"replay_pace must not be below 0, not {options.replay_pace}")
        self._replay: Replay | None = None
        if options.replay is not None:
            self._replay = Replay(Tape(options.replay), clock, options.replay_pace)
        # What is not recorded is answered by others, if there are any, or where it is to be added.
        self._only_replays = self._replay is not None and where is None and options.record is None
        self.recorder: Recorder | None = None
        if options.record is not None:
            self.recorder = Recorder(options.record, key.split(":") if key else ())
        self._faults = faults

    @property
    def any_key(self) -> bool:
        """Whether any key of a caller's is good: nobody else sees it, or there is nobody else."""
        return self._only_replays or (self._passing is not None and self._passing.has_key)

    def check(self, request: Request) -> None:
        """Let a request in that this platform did not send itself.

        Raises:
            Refusal: It did: its upstream leads back here.
        """
        if self._via in request.headers.get("via", ""):
            raise Refusal(
                _LOOP, "the upstream of this local platform is the platform itself", status=_BAD_REQUEST
            )

    def instead_of(self, route: str, own: Answering) -> Answering:
        """Return what answers the calls of a route, in place of the platform's own service or with its help.

        Args:
            route: What the journal calls them.
            own: The platform's own service.
        """
        passing, replay = self._passing, self._replay
        if route in TOKENS:  # is nothing but secrets
            replay = None
            passing = None if passing is None or passing.has_key else passing
        if passing is None and replay is None:
            return own
        return _Other(own, self._faults, passing, replay, only_replays=self._only_replays)

    def listening(self, request: Request, reply: Reply, call: Call, started: float, send: Send) -> Send:
        """Return what sends an answer, which keeps it where it is to be recorded; see `Recorder.listening`."""
        if self.recorder is None or not reply.recordable or call.fault is not None or call.route in TOKENS:
            return send
        return self.recorder.listening(request, reply, call, started, send)

    def snapshot(self) -> Any:
        """Return how far the recordings were played."""
        return {} if self._replay is None else self._replay.tape.snapshot()

    def restore(self, saved: Any) -> None:
        """Play on from there."""
        if self._replay is not None:
            self._replay.tape.restore(saved)


class _Other(Answering):
    """A service whose answers others give: a recording, another platform, or where neither does its own.

    Args:
        own: The platform's own service, in whose shape refusals are.
        faults: What shall go wrong.
        passing: The other platform, or None.
        replay: The recordings, or None.
        only_replays: Whether nobody answers what is not recorded.
    """

    meets_faults = True

    def __init__(
        self,
        own: Answering,
        faults: Faults,
        passing: Passing | None,
        replay: Replay | None,
        *,
        only_replays: bool,
    ) -> None:
        self._own = own
        self._faults = faults
        self._passing = passing
        self._replay = replay
        self._only_replays = only_replays

    def reply(self, request: Request, call: Call) -> Reply:
        """Return the recorded answer, or what another gives later, or the platform's own."""
        replay = self._replayed(request)
        if replay is None and self._passing is None:
            if not self._own.meets_faults:
                self._faults.meet(call)
            return self._own.reply(request, call)
        _describe(call)
        self._faults.meet(call)
        if replay is not None:
            return replay.reply(request, call)
        assert self._passing is not None
        return Reply(later=partial(self._passing.reply, request))

    def refused(self, refusal: Refusal) -> Reply:
        """Return a refusal in the shape of this route's answers."""
        return self._own.refused(refusal)

    def coded(self, code: int | str, message: str) -> Reply:
        """Return the answer with an error code, as this route has it."""
        return self._own.coded(code, message)

    def failed(self, status: int) -> Reply | None:
        """Return the answer this route has for an HTTP status."""
        return self._own.failed(status)

    def takes_time(self, request: Request) -> bool:
        """Return whether the platform's own service does, where that answers."""
        others = self._passing is not None or self._replayed(request) is not None
        return not others and self._own.takes_time(request)

    def _replayed(self, request: Request) -> Replay | None:
        """Return the recordings, if they answer a request."""
        replay = self._replay
        return replay if replay is not None and (self._only_replays or replay.tape.has(request)) else None


def _describe(call: Call) -> None:
    """Tell the journal what was called, as the platform's own services do."""
    last = call.path.rstrip("/").rpartition("/")[2]
    if call.route == "console":
        action = call.query.get("Action", "")
        call.endpoint = (
            f"{last}.{action}" if call.version == 2 else call.path.removeprefix(f"{gate.PREFIX}/").rstrip("/")
        )
    elif call.version == 2:
        name = (as_object(call.body) or {}).get("model")
        call.model = name if isinstance(name, str) else None
    elif call.route in _NAMED:
        call.endpoint, known = last, catalog.by_endpoint(call.route, last)
        call.model = known.name if known is not None else None
