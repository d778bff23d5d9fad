"""The models' services: a call passes the layers in the order in which `Service.reply` names them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qianfan import catalog
from qianfan.local import chat, completion, embedding, image2text, reranker, text2image, tokenizer
from qianfan.local.console.signature import Denied
from qianfan.local.erniebot import ErnieBotPlugins
from qianfan.local.handler import Answering, Asked
from qianfan.local.plugin import PluginApplications
from qianfan.local.upstream import v1 as upstream
from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    from qianfan.catalog import Model
    from qianfan.local.console.examples import Examples
    from qianfan.local.handler import Handler
    from qianfan.local.journal import Call
    from qianfan.local.oauth import Application
    from qianfan.local.state import State
    from qianfan.local.wire import Reply, Request

UNSUPPORTED, BAD_SIGNATURE, BAD_METHOD = 3, 14, 336101

# Families whose answers come from functions of the user's, which may take their time or call back.
_RUN_USER_CODE = frozenset({"plugin", "erniebot"})

_TUNED = "chat"  # the family in which tuned models answer


def services(state: State) -> list[Service]:
    """Return the services of every family of models."""
    handlers: dict[str, Handler] = {
        "chat": chat.handle,
        "completion": completion.handle,
        "embedding": embedding.handle,
        "plugin": PluginApplications(state.plugins, state.knowledge).handle,
        "erniebot": ErnieBotPlugins(state.plugins).handle,
        "text2image": text2image.handle,
        "image2text": image2text.handle,
        "reranker": reranker.handle,
        "tokenizer": tokenizer.handle,
    }
    if state.elsewhere.upstream is not None:
        handlers |= upstream.handlers(state.elsewhere.upstream)
    return [Service(state, family, handler) for family, handler in handlers.items()]


class Service(Answering):
    """The services of one family: its preset models and custom endpoints.

    Attributes:
        family: A key of `catalog.paths`, and the journal's route.
        paths: Where they answer, below the prefix; with and without a slash at the end.
    """

    meets_faults = True

    def __init__(self, state: State, family: str, handler: Handler) -> None:
        self._state = state
        self._handler = handler
        self.family = family
        path = catalog.paths()[family].format("{endpoint}")
        self.paths = {path, path.rstrip("/")}

    def reply(self, request: Request, call: Call) -> Reply:
        """Route, authenticate, meet faults, keep the quota, validate, handle.

        Args:
            request: The request.
            call: The journal's entry, which is told what the call turned out to be.

        Raises:
            Refusal: The platform's error answer.
            Struck: A fault's.
        """
        state = self._state
        endpoint, model, learnt = self._route(request, call)
        application = self._authenticate(request)
        state.faults.meet(call)
        allowance = state.quotas.admit(application.id, f"{self.family}/{endpoint}")
        now = state.clock.now()
        asked = Asked(request.content, endpoint, model, now, call, state.script, allowance.charge, learnt)
        served = self._handler(asked)
        allowance.charge(served.tokens)
        served.reply.headers = allowance.headers()
        return served.reply

    def takes_time(self, request: Request) -> bool:
        """Return whether functions of the user's or the console's store are asked."""
        if _is_signed(request) or self._state.script.runs_code:
            return True
        if self.family == _TUNED:
            return self._state.model(_TUNED, _endpoint(request)) is None
        return self.family in _RUN_USER_CODE

    def _authenticate(self, request: Request) -> Application:
        """Return whose quota a call is charged to; one that is signed is the default application's."""
        state = self._state
        if not _is_signed(request):
            return state.registry.authenticate(request.query)
        try:
            # By the machine's clock: whoever signs does not know how far the platform's was moved.
            state.account.access.authenticate(request, time.time())
        except Denied as denied:
            headers = {"X-Bce-Error-Code": denied.code, "X-Bce-Error-Message": denied.message}
            raise Refusal(BAD_SIGNATURE, headers=headers) from None
        return state.registry.default

    def _route(self, request: Request, call: Call) -> tuple[str, Model | None, Examples | None]:
        state, endpoint = self._state, _endpoint(request)
        model, learnt = state.model(self.family, endpoint), None
        call.endpoint = endpoint
        tuned = state.account.tuned(endpoint) if model is None and self.family == _TUNED else None
        if tuned is not None:
            model, learnt = tuned
        elif not state.serves(self.family, endpoint):
            raise Refusal(UNSUPPORTED)
        call.model = model.name if model else None
        if request.method != "POST":
            raise Refusal(BAD_METHOD)
        return endpoint, model, learnt


def _is_signed(request: Request) -> bool:
    return "authorization" in request.headers and "access_token" not in request.query


def _endpoint(request: Request) -> str:
    return request.path.rstrip("/").rpartition("/")[2]
