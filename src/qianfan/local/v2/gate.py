"""The way into v2: method and bearer first, then the layers in the order in which a service names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qianfan import catalog
from qianfan.local.faults import codes
from qianfan.local.handler import Answering, Asked
from qianfan.local.upstream import v2 as upstream
from qianfan.local.v2 import chat, completion, embedding, errors, images, models, reranker
from qianfan.local.v2.errors import Refused
from qianfan.local.v2.models import Models
from qianfan.local.wire import NotJson, Reply, as_object

if TYPE_CHECKING:
    from qianfan.local.handler import Handler
    from qianfan.local.journal import Call
    from qianfan.local.state import State
    from qianfan.local.wire import Json, Refusal, Request

PREFIX = "/v2"

_HANDLERS: dict[str, Handler] = {
    "chat": chat.handle,
    "completion": completion.handle,
    "embedding": embedding.handle,
    "reranker": reranker.handle,
    "text2image": images.handle,
}

_MORE_PATHS = {"reranker": ["/rerankers"]}  # where the official SDK asks

_MOST_CHARACTERS = 256  # of a model's name


def services(state: State) -> list[Service]:
    """Return the services of every kind."""
    known = Models(state)
    other = state.elsewhere.upstream
    handlers = {**_HANDLERS, **(upstream.handlers(other) if other else {})}
    return [Service(state, known, kind, handler) for kind, handler in handlers.items()]


class _Gate(Answering):
    """What every answer of v2 has in common: the method, the bearer, the shape of errors.

    Attributes:
        method: The HTTP method it takes.
    """

    method = "POST"
    meets_faults = True

    def __init__(self, state: State) -> None:
        self._state = state

    def reply(self, request: Request, call: Call) -> Reply:
        """Answer a call, or refuse it in v2's shape."""
        try:
            if request.method != self.method:
                raise Refused("method_not_allowed", f"method {request.method} is not supported")
            owner = self._state.keys.authenticate(request.headers)
            self._state.faults.meet(call)
            return self._answer(request, call, owner)
        except Refused as refused:
            return refused.reply()

    def refused(self, refusal: Refusal) -> Reply:
        """Return a refusal in v2's shape."""
        return errors.translated(refusal).reply()

    def coded(self, code: int | str, message: str) -> Reply:
        """Return the answer with an error code, by v2's word for it."""
        word = codes.word(code)
        return Refused(word, codes.text(word, message)).reply()

    def failed(self, status: int) -> Reply | None:
        """Return the error that v2 has for an HTTP status, if there is one."""
        refused = errors.of_status(status)
        return None if refused is None else refused.reply()

    def _answer(self, request: Request, call: Call, owner: str) -> Reply:
        """Answer a call that is charged to an owner."""
        raise NotImplementedError


class Service(_Gate):
    """The services of one kind, at the same address: the body's `model` tells them apart.

    Attributes:
        kind: What they are, and the journal's route.
        paths: Where they answer.
    """

    def __init__(self, state: State, known: Models, kind: str, handler: Handler) -> None:
        super().__init__(state)
        self._models = known
        self._handler = handler
        self.kind = kind
        self.paths = [PREFIX + path for path in (catalog.paths_v2()[kind], *_MORE_PATHS.get(kind, ()))]

    def reply(self, request: Request, call: Call) -> Reply:
        """Answer a call, or refuse it in v2's shape."""
        call.model = _named(request)
        return super().reply(request, call)

    def takes_time(self, request: Request) -> bool:
        """Return whether functions of the user's or the console's store are asked."""
        name = _named(request)
        is_own = name is not None and models.preset(self.kind, name) is None
        return is_own or self._state.script.runs_code

    def _answer(self, request: Request, call: Call, owner: str) -> Reply:
        """Find the model, keep the quota, validate, handle."""
        state = self._state
        body, name = _body(request.content)
        found = self._models.find(self.kind, name)
        allowance = state.quotas.admit(owner, f"v2/{self.kind}/{name}")
        site = f"http://{request.headers.get('host', 'localhost')}"
        now = state.clock.now()
        asked = Asked(
            body,
            found.endpoint,
            found.model,
            now,
            call,
            state.script,
            allowance.charge,
            found.learnt,
            reasoning=found.reasoning,
            site=site,
        )
        served = self._handler(asked)
        allowance.charge(served.tokens)
        served.reply.headers = allowance.headers()
        return served.reply


class Listing(_Gate):
    """The list of models."""

    method = "GET"

    def _answer(self, request: Request, call: Call, owner: str) -> Reply:  # noqa: ARG002  # it is the same for all
        return Reply({"object": "list", "data": Models(self._state).all()})

    def takes_time(self, request: Request) -> bool:  # noqa: ARG002  # the store may wait for a disk
        """Return True: the store may wait for a disk."""
        return True


class Nowhere(_Gate):
    """Every other path under the prefix."""

    meets_faults = False

    def reply(self, request: Request, call: Call) -> Reply:  # noqa: ARG002  # one shape for all services
        """Refuse."""
        return Refused("not_found", f"no such path on the local platform: {request.path}").reply()


def _body(content: Any) -> tuple[Json, str]:
    """Return a body that is an object, and the model it names.

    Raises:
        Refused: It is none, or names none.
    """
    if isinstance(content, NotJson):
        raise Refused("malformed_json")
    body = as_object(content)
    if body is None:
        raise Refused("invalid_argument", "the body must be a JSON object")
    name = body.get("model")
    if name is None or name == "":
        raise Refused("invalid_model", "model is empty", status=400)
    if not isinstance(name, str):
        raise Refused("invalid_model", "model must be a string", status=400)
    if len(name) > _MOST_CHARACTERS:
        raise Refused("invalid_model")
    return body, name


def _named(request: Request) -> str | None:
    """Return the model a body names, whatever else is in it."""
    name = (as_object(request.content) or {}).get("model")
    return name if isinstance(name, str) else None
