"""Text to image: abstract pictures that only the prompt, the seed and the size decide."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from qianfan.local import checks, png, rules, tokens
from qianfan.local.handler import Served
from qianfan.local.rules import Field
from qianfan.local.wire import Reply, new_id

if TYPE_CHECKING:
    from qianfan.local.handler import Asked

OBJECT = "image"

#: The keyword under which a picture carries its prompt.
PROMPT = "Qianfan prompt"

SIZES = ("768x768", "768x1024", "1024x768", "576x1024", "1024x576", "1024x1024")

FIELDS = (
    Field("negative_prompt", checks.text()),
    Field("size", checks.one_of(*SIZES)),
    Field("n", checks.integer(1, 4)),
    Field("steps", checks.integer(10, 50)),
    Field("sampler_index", checks.text()),
    Field("seed", checks.integer(0, 2**32 - 1)),
    Field("cfg_scale", checks.number(0, 30)),
    Field("style", checks.text()),
    Field("user_id", checks.text()),
)

_LONGEST_PROMPT = 1024


def handle(asked: Asked) -> Served:
    """Draw the pictures a request asks for."""
    body = rules.read(asked.content, FIELDS)
    prompt = rules.required(body, "prompt", _LONGEST_PROMPT)
    width, height = map(int, (body.get("size") or "1024x1024").split("x"))
    seed = body.get("seed") or 0
    data = [
        {"object": OBJECT, "b64_image": base64.b64encode(drawn).decode(), "index": index}
        for index in range(body.get("n") or 1)
        for drawn in [picture(prompt, seed, index, width, height)]
    ]
    usage = tokens.input_usage(prompt, body.get("negative_prompt") or "")
    reply = {"id": new_id(), "object": OBJECT, "created": int(asked.now), "data": data, "usage": usage}
    return Served(Reply(reply), usage["total_tokens"])


def picture(prompt: str, seed: int, index: int, width: int, height: int) -> bytes:
    """Return one of the pictures, as a PNG, that a request asks for."""
    return png.draw(f"{seed} {index} {prompt}", width, height, {PROMPT: prompt})
