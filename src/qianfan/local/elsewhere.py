"""Where answers come from that the platform does not make itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qianfan.local.upstream.names import Names
from qianfan.local.upstream.server import Upstream

if TYPE_CHECKING:
    from qianfan.local.state import Options


class Elsewhere:
    """The others behind one platform.

    Args:
        options: Which of them there are.

    Attributes:
        upstream: The server that has the words of chat, completion and embedding, or None.

    Raises:
        ValueError: An option that could not work.
    """

    def __init__(self, options: Options) -> None:
        self.upstream: Upstream | None = None
        if options.upstream is not None:
            names = Names(options.upstream_model)
            self.upstream = Upstream(options.upstream, options.upstream_key, names, options.upstream_timeout)
