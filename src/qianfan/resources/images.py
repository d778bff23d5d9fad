"""Images: made from a text (文生图 Text2Image), told in words (图像理解 Image2Text)."""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import a2b_base64
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from qianfan.errors import InvalidArgumentError
from qianfan.resources.base import CallOptions, Resource, WritingParameters, filled_text, renamed

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from qianfan.drivers.aio import AsyncStream
    from qianfan.drivers.sync import Stream
    from qianfan.response import Response


_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


class ImageParameters(CallOptions, total=False):
    """What the making of an image may set; the service checks the ranges.

    Attributes:
        negative_prompt: What must not be in the image.
        size: Width x height in pixels, such as `1024x1024`, the default.
        n: How many images, in [1, 4]; default 1.
        steps: Steps of the sampler, in [10, 50]; default 20.
        sampler_index: The sampler's name, default `Euler a`.
        seed: The same seed gives the same image, in [0, 4294967295].
        cfg_scale: How closely the prompt is followed, in [0, 30]; default 5.
        style: The style's name, default `Base`.
        user_id: Your user's id, for the service's own protection.
    """

    negative_prompt: str | None
    size: str | None
    n: int | None
    steps: int | None
    sampler_index: str | None
    seed: int | None
    cfg_scale: float | None
    style: str | None
    user_id: str | None


class Images(Resource):
    """Images from texts, on a client: `client.images.do(prompt=...)`; default model Stable-Diffusion-XL."""

    kind = "text2image"

    def do(
        self,
        prompt: str,
        model: str | None = None,
        endpoint: str | None = None,
        **parameters: Unpack[ImageParameters],
    ) -> Response:
        """Make images from a text.

        Args:
            prompt: What the images show.
            model: A model's name; one the catalogue does not know goes to the service as it is.
            endpoint: A service of your own, by the last part of its address; it decides over `model`.
            **parameters: See `ImageParameters` and `CallOptions`.

        Returns:
            The reply; `images` holds the bytes of each, `data[i]["b64_image"]` the same in base64.

        Raises:
            InvalidArgumentError: The call cannot be right; nothing was sent.
            APIError: The platform refuses it, in the platform's own words.
            RequestError: No usable reply came; `RequestTimeoutError` and `ConnectionFailedError` are
                kinds of it.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/index.html (文生图).
        """
        fields = {"prompt": filled_text("prompt", prompt)}
        return self._client.ask(*self._call(fields, parameters, model, endpoint))

    async def ado(
        self,
        prompt: str,
        model: str | None = None,
        endpoint: str | None = None,
        **parameters: Unpack[ImageParameters],
    ) -> Response:
        """Do what `do` does, in the running event loop."""
        fields = {"prompt": filled_text("prompt", prompt)}
        return await self._client.aask(*self._call(fields, parameters, model, endpoint))

    def generate(self, *, prompt: str, model: str | None = None, **parameters: Any) -> Response:
        """Do what `do` does, under the names of openai: `client.images.generate(model=, prompt=)`.

        Args:
            prompt: What the images show.
            model: A model's id, or the name of a service of your own.
            **parameters: What `do` takes, and openai's `timeout`, `extra_body`, `extra_headers`, `extra_query`.
        """
        return self.do(prompt, model, **renamed(parameters))

    async def agenerate(self, *, prompt: str, model: str | None = None, **parameters: Any) -> Response:
        """Do what `generate` does, in the running event loop."""
        return await self.ado(prompt, model, **renamed(parameters))


class ImageReading(Resource):
    """Images in words, on a client: `client.image2text.do(prompt=..., image=...)`; default model Fuyu-8B."""

    kind = "image2text"

    @overload
    def do(
        self,
        prompt: str,
        image: str | bytes | Path,
        model: str | None = None,
        endpoint: str | None = None,
        stream: Literal[False] = False,
        **parameters: Unpack[WritingParameters],
    ) -> Response: ...
    @overload
    def do(
        self,
        prompt: str,
        image: str | bytes | Path,
        model: str | None = None,
        endpoint: str | None = None,
        *,
        stream: Literal[True],
        **parameters: Unpack[WritingParameters],
    ) -> Stream: ...
    @overload
    def do(
        self,
        prompt: str,
        image: str | bytes | Path,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[WritingParameters],
    ) -> Response | Stream: ...
    def do(
        self,
        prompt: str,
        image: str | bytes | Path,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[WritingParameters],
    ) -> Response | Stream:
        """Say what is in an image.

        Args:
            prompt: What to say about it.
            image: The image: its bytes, a file's path as a `Path`, or base64.
            model: A model's name; one the catalogue does not know goes to the service as it is.
            endpoint: A service of your own, by the last part of its address; it decides over `model`.
            stream: Whether the answer comes in events as it is written.
            **parameters: See `WritingParameters` and `CallOptions`.

        Returns:
            The reply, with the answer in `result`; or a `Stream` of replies, each with an increment.

        Raises:
            InvalidArgumentError: The call cannot be right; nothing was sent.
            APIError: The platform refuses it, in the platform's own words.
            RequestError: No usable reply came; `RequestTimeoutError`, `ConnectionFailedError` and
                `StreamIncompleteError` are kinds of it.
            OSError: The file cannot be read.

        See https://cloud.baidu.com/doc/WENXINWORKSHOP/index.html (图像理解).
        """
        fields = {"prompt": filled_text("prompt", prompt), "image": _base64(image)}
        return self._client.perform(*self._call(fields, parameters, model, endpoint, stream))

    @overload
    async def ado(
        self,
        prompt: str,
        image: str | bytes | Path,
        model: str | None = None,
        endpoint: str | None = None,
        stream: Literal[False] = False,
        **parameters: Unpack[WritingParameters],
    ) -> Response: ...
    @overload
    async def ado(
        self,
        prompt: str,
        image: str | bytes | Path,
        model: str | None = None,
        endpoint: str | None = None,
        *,
        stream: Literal[True],
        **parameters: Unpack[WritingParameters],
    ) -> AsyncStream: ...
    @overload
    async def ado(
        self,
        prompt: str,
        image: str | bytes | Path,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[WritingParameters],
    ) -> Response | AsyncStream: ...
    async def ado(
        self,
        prompt: str,
        image: str | bytes | Path,
        model: str | None = None,
        endpoint: str | None = None,
        stream: bool = False,
        **parameters: Unpack[WritingParameters],
    ) -> Response | AsyncStream:
        """Do what `do` does, in the running event loop; with `stream=True` the stream is an async one."""
        fields = {"prompt": filled_text("prompt", prompt), "image": _base64(image)}
        return await self._client.aperform(*self._call(fields, parameters, model, endpoint, stream))


def _base64(image: Any) -> str:
    """Return an image in base64, without the head of a data URL."""
    if isinstance(image, Path):
        image = image.read_bytes()
    if isinstance(image, (bytes, bytearray)):
        image = b64encode(image).decode()
    if isinstance(image, str) and image.startswith("data:"):
        image = image.partition(",")[2]
    text = "".join(filled_text("image", image).split())
    try:
        a2b_base64(text)
    except ValueError:
        text = ""
    if _BASE64.fullmatch(text):
        return text
    raise InvalidArgumentError(
        "image is no base64", hint='a file is image=Path("cat.png"), its bytes do as well'
    )
