"""The tokenizer: how many tokens a text is charged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local import checks, rules, tokens
from qianfan.local.handler import Served
from qianfan.local.rules import Field
from qianfan.local.wire import Reply, new_id

if TYPE_CHECKING:
    from qianfan.local.handler import Asked

OBJECT = "tokenizer.erniebot"

FIELDS = (Field("model", checks.text()),)


def handle(asked: Asked) -> Served:
    """Count the tokens of a prompt, whatever model it is meant for."""
    body = rules.read(asked.content, FIELDS)
    usage = tokens.input_usage(rules.required(body, "prompt", blank=True))
    reply = Reply({"id": new_id(), "object": OBJECT, "created": int(asked.now), "usage": usage})
    return Served(reply, usage["total_tokens"])
