"""The chunks of a stream of v2, which ends with `[DONE]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local.wire import Reply

if TYPE_CHECKING:
    from qianfan.local.wire import Json


def reply(head: Json, choices: list[Json], usage: Json | None, first: Json | None = None) -> Reply:
    """Return a stream of choices.

    Args:
        head: What every chunk has.
        choices: The choice of each chunk.
        usage: What a last chunk without choices tells; None where nobody asked for it.
        first: What the first chunk has beside.
    """
    events: list[Json] = [{**head, "choices": [choice]} for choice in choices]
    events[0].update(first or {})
    if usage is None:
        return Reply(events=events, done=True)
    events.append({**head, "choices": [], "usage": usage})
    return Reply(events=events, done=True, at_once=1)
