"""The models' services: a call passes the layers in the order in which `Service.reply` names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan import catalog
from qianfan.local import chat, completion, embedding, image2text, reranker, text2image, tokenizer
from qianfan.local.erniebot import ErnieBotPlugins
from qianfan.local.handler import Asked
from qianfan.local.plugin import PluginApplications
from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    from qianfan.catalog import Model
    from qianfan.local.handler import Handler
    from qianfan.local.journal import Call
    from qianfan.local.state import State
    from qianfan.local.wire import Reply, Request

UNSUPPORTED, BAD_METHOD = 3, 336101

#: Families whose answers come from functions of the user's, which may take their time or call back.
RUN_USER_CODE = frozenset({"plugin", "erniebot"})


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
    return [Service(state, family, handler) for family, handler in handlers.items()]


class Service:
    """The services of one family: its preset models and custom endpoints.

    Attributes:
        family: A key of `catalog.paths`, and the journal's route.
        paths: Where they answer, below the prefix; with and without a slash at the end.
    """

    def __init__(self, state: State, family: str, handler: Handler) -> None:
        self._state = state
        self._handler = handler
        self.family = family
        path = catalog.paths()[family].format("{endpoint}")
        self.paths = {path, path.rstrip("/")}

    def reply(self, request: Request, call: Call) -> Reply:
        """Route, authenticate, keep the quota, validate, handle.

        Args:
            request: The request.
            call: The journal's entry, which is told what the call turned out to be.

        Raises:
            Refusal: The platform's error answer.
        """
        state = self._state
        endpoint, model = self._route(request, call)
        application = state.registry.authenticate(request.query, request.headers)
        allowance = state.quotas.admit(application.id, f"{self.family}/{endpoint}")
        served = self._handler(Asked(request.content, endpoint, model, state.clock.now()))
        allowance.charge(served.tokens)
        served.reply.headers = allowance.headers()
        return served.reply

    def _route(self, request: Request, call: Call) -> tuple[str, Model | None]:
        endpoint = request.path.rstrip("/").rpartition("/")[2]
        model = self._state.model(self.family, endpoint)
        call.endpoint, call.model = endpoint, model.name if model else None
        if not self._state.serves(self.family, endpoint):
            raise Refusal(UNSUPPORTED)
        if request.method != "POST":
            raise Refusal(BAD_METHOD)
        return endpoint, model
