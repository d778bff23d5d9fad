"""Images on v2: addresses of pictures, which are drawn when they are fetched.

An address says all that decides the picture, so nothing needs to be kept.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import orjson

from qianfan.local import checks, rules, text2image, tokens
from qianfan.local.handler import Answering, Served
from qianfan.local.rules import Field
from qianfan.local.v2 import errors, fields
from qianfan.local.v2.errors import Refused
from qianfan.local.wire import Reply, as_array, new_id

if TYPE_CHECKING:
    from qianfan.local.handler import Asked
    from qianfan.local.journal import Call
    from qianfan.local.wire import Json, Refusal, Request

#: Where the pictures are.
PATH = "/qianfan/images"

_LEAST, _MOST = 512, 2048  # pixels
_LONGEST_PROMPTS, _LONGEST_PROMPT = {"irag-1.0": 220}, 512  # characters

_SIZE = re.compile(r"(\d{3,4})x(\d{3,4})", re.ASCII)


def _size(value: Any) -> str | None:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    fits = match is not None and all(_LEAST <= int(side) <= _MOST for side in match.groups())
    return None if fits else f"must be from {_LEAST}x{_LEAST} to {_MOST}x{_MOST}"


FIELDS = (
    Field("n", checks.integer(1, 4)),
    Field("size", _size),
    Field("steps", checks.integer(1, 50)),
    Field("seed", checks.integer(0, 2**32 - 1)),
    Field("guidance", checks.number(0, 30)),
    fields.USER,
)


def handle(asked: Asked) -> Served:
    """Return the addresses of the pictures a request asks for."""
    body = rules.read(asked.content, FIELDS)
    prompt = _prompt(body)
    _check_refer_image(body.get("refer_image"))
    width, height = map(int, (body.get("size") or "1024x1024").split("x"))
    seed = body.get("seed") or 0
    data = [
        {"url": f"{asked.site}{PATH}/{_token(prompt, seed, index, width, height)}.png"}
        for index in range(body.get("n") or 1)
    ]
    reply = {"id": new_id(), "created": int(asked.now), "data": data}
    return Served(Reply(reply), tokens.count(prompt))


def _prompt(body: Json) -> str:
    prompt, longest = body.get("prompt"), _LONGEST_PROMPTS.get(body["model"], _LONGEST_PROMPT)
    if isinstance(prompt, str) and prompt.strip() and len(prompt) <= longest:
        return prompt
    raise Refused("invalid_image_genration_prompt", f"prompt must be a string of 1 to {longest} characters")


def _check_refer_image(value: Any) -> None:
    if value is not None and not (isinstance(value, str) and value.startswith(("http://", "https://"))):
        raise Refused("invalid_image_genration_refer_image", "refer_image must be the address of an image")


def _token(*values: str | int) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


class Pictures(Answering):
    """The pictures behind the addresses; whoever has an address may fetch its picture."""

    def reply(self, request: Request, call: Call) -> Reply:  # noqa: ARG002  # one shape for all services
        """Draw a picture."""
        if request.method != "GET":
            return Refused("method_not_allowed", f"method {request.method} is not supported").reply()
        values = _values(request.path.rpartition("/")[2].removesuffix(".png"))
        if values is None:
            return Refused("not_found", "there is no such picture").reply()
        return Reply({}, content=text2image.picture(*values), media_type="image/png")

    def refused(self, refusal: Refusal) -> Reply:
        """Return a refusal in v2's shape."""
        return errors.translated(refusal).reply()

    def takes_time(self, request: Request) -> bool:  # noqa: ARG002  # the largest take tens of milliseconds
        """Return True: others need not wait for a large picture."""
        return True


def _values(token: str) -> tuple[str, int, int, int, int] | None:
    """Return what an address says: prompt, seed, index, width, height; None where it is none of ours."""
    try:
        values = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError:
        return None
    match as_array(values):
        case [str(prompt), int(seed), int(index), int(width), int(height)] if (
            _LEAST <= width <= _MOST and _LEAST <= height <= _MOST and len(prompt) <= _LONGEST_PROMPT
        ):
            return prompt, seed, index, width, height
        case _:
            return None
