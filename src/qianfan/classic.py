"""The classic surface: a resource and a client of its own in one object, as the SDK of 2023 had it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from qianfan.client import Qianfan
from qianfan.resources.base import Resource
from qianfan.resources.chat import Chat
from qianfan.resources.completion import Completions
from qianfan.resources.embedding import Embeddings
from qianfan.resources.images import ImageReading, Images
from qianfan.resources.plugin import Plugins
from qianfan.resources.rerank import Rerank
from qianfan.resources.tokens import Tokens
from qianfan.settings import check_names

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from qianfan.settings import ClientArguments


class _Classic(Resource):
    """A resource with a client of its own.

    Args:
        model: The model of calls that name none; default see the class.
        endpoint: The service of calls that name none, by the last part of its address.
        **arguments: See `qianfan.settings.ClientArguments`.

    Raises:
        InvalidArgumentError: No credential, half of one, or a value that does not fit.
    """

    def __init__(
        self, model: str | None = None, endpoint: str | None = None, **arguments: Unpack[ClientArguments]
    ) -> None:
        super().__init__(Qianfan(**arguments), model, endpoint)

    @property
    def client(self) -> Qianfan:
        """The client that carries its calls out, with `usage`, `budget(...)`, `close()` and the other resources."""
        return self._client


class ChatCompletion(_Classic, Chat):
    """Conversations with a model (对话 Chat); default model ERNIE-Bot-turbo."""


class Completion(_Classic, Completions):
    """Texts written on from a prompt (续写 Completion); default model ERNIE-Bot-turbo."""


class Embedding(_Classic, Embeddings):
    """Texts turned into vectors (向量化 Embedding); default model Embedding-V1."""


class Plugin(_Classic, Plugins):
    """Applications made of plugins (插件 Plugin); there is no default."""


class Reranker(_Classic, Rerank):
    """Documents in the order of their relevance to a query (重排序); default bce-reranker-base_v1."""


class Text2Image(_Classic, Images):
    """Images made from a text (文生图); default model Stable-Diffusion-XL."""


class Image2Text(_Classic, ImageReading):
    """Images told in words (图像理解); default model Fuyu-8B."""


class Tokenizer(Tokens):
    """The number of tokens of a text; credentials are read when the service is asked to count.

    Args:
        **arguments: See `qianfan.settings.ClientArguments`.
    """

    def __init__(self, **arguments: Unpack[ClientArguments]) -> None:
        check_names(arguments)
        self._arguments = arguments

    @cached_property
    def _client(self) -> Qianfan:  # type: ignore[override]  # made when first needed: counting locally asks for no key
        return Qianfan(**self._arguments)
