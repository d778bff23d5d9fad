"""The classic surface: a resource and a client of its own in one object, as the SDK of 2023 had it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.client import Qianfan
from qianfan.resources.chat import Chat

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from qianfan.settings import ClientArguments


class ChatCompletion(Chat):
    """Conversations with a model (对话 Chat).

    Args:
        model: The model of calls that name none, default ERNIE-Bot-turbo.
        endpoint: The service of calls that name none, by the last part of its address.
        **arguments: See `qianfan.settings.ClientArguments`.

    Raises:
        InvalidArgumentError: No credential, half of one, or a value that does not fit.
    """

    def __init__(
        self, model: str | None = None, endpoint: str | None = None, **arguments: Unpack[ClientArguments]
    ) -> None:
        super().__init__(Qianfan(**arguments), model, endpoint)
