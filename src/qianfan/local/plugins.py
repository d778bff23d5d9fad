"""Plugins: Python functions that answer a question in place of a model."""

from __future__ import annotations

import inspect
import logging
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from qianfan.local import functions
from qianfan.local.wire import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FAILED, BAD_PARAMETER = 4224001, 4224002

_log = logging.getLogger("qianfan")


class Plugin(NamedTuple):
    """A function with the name a request calls it by, and what it is for."""

    name: str
    description: str
    function: Callable[[str], Any]

    def run(self, question: str) -> str:
        """Return what the function says to a question; what is no text comes as JSON.

        Raises:
            Refusal: The function raised, or what it returned cannot be written as JSON.
        """
        try:
            said = self.function(question)
            if not isinstance(said, str):
                return orjson.dumps(said, option=orjson.OPT_NON_STR_KEYS).decode()
            said.encode()  # half of a surrogate pair is no text that could be sent
            return said  # noqa: TRY300  # to return is the last thing that is tried
        except Exception:  # noqa: BLE001  # whatever a function does, the answer is one of the platform's
            _log.exception("the plugin %s failed", self.name)
            raise Refusal(FAILED, f"system error: the plugin {self.name} failed") from None


class Plugins:
    """The functions a platform's user has registered."""

    def __init__(self) -> None:
        self._plugins: dict[str, Plugin] = {}
        self._lock = threading.Lock()

    def add(self, function: Callable[[str], Any], name: str | None, description: str | None) -> None:
        """Register a function; one of the same name is replaced.

        Raises:
            ValueError: It cannot be called with a question, or has no name that could be asked for.
        """
        if not callable(function) or inspect.iscoroutinefunction(function):
            raise ValueError(f"a plugin is a plain function that takes the question, not {function!r}")
        name = str(getattr(function, "__name__", "")) if name is None else name
        if not name.strip() or name == "<lambda>":
            raise ValueError(f"{function!r} has no name to ask for it by: pass name=")
        documented = inspect.getdoc(function) if inspect.isroutine(function) else None
        plugin = Plugin(name, description or documented or "", function)
        with self._lock:
            self._plugins[name] = plugin

    def snapshot(self) -> dict[str, Plugin]:
        """Return a copy of the plugins."""
        with self._lock:
            return dict(self._plugins)

    def restore(self, saved: Mapping[str, Plugin]) -> None:
        """Know these plugins, and no others."""
        with self._lock:
            self._plugins = dict(saved)

    def find(self, name: str) -> Plugin | None:
        """Return the plugin of that name."""
        with self._lock:
            return self._plugins.get(name)

    def choose(self, question: str, names: Sequence[str]) -> Plugin | None:
        """Return the plugin that answers: the only one named, else of these (or of all) the likeliest.

        The likeliest is found as a chat's function is; where no plugin is likely there is none.
        """
        with self._lock:
            plugins = dict(self._plugins)
        if len(names) == 1:
            return plugins.get(names[0])
        known = [plugins[name] for name in names or plugins if name in plugins]
        definitions = [
            {"name": plugin.name, "description": plugin.description, "parameters": {}} for plugin in known
        ]
        chosen = functions.choose(definitions, question, None)
        return plugins[chosen["name"]] if chosen else None
