"""`map` and `amap` in one form."""

from __future__ import annotations

import asyncio
from typing import Any


class Many:
    """One way of asking for many; what it returns is read as a list.

    Attributes:
        report: How the latest run ended.
        failure: What ended the latest run early, or None.
    """

    def __init__(self, way: str) -> None:
        self.way = way
        self.report: Any = None
        self.failure: BaseException | None = None

    def __call__(
        self, client: Any, inputs: Any, *args: Any, until: int | None = None, **options: Any
    ) -> list[Any]:
        """Return the outcomes of a run, up to so many; what ended it early is kept in `failure`."""
        self.failure = None
        if self.way == "amap":
            return asyncio.run(self._amap(client, inputs, args, until, options))
        got: list[Any] = []
        with client.map(inputs, *args, **options) as results:
            try:
                for outcome in results:
                    got.append(outcome)
                    if len(got) == until:
                        break
            except Exception as error:  # noqa: BLE001  # the test's to look at
                self.failure = error
        self.report = results.report
        return got

    async def _amap(self, client: Any, inputs: Any, args: Any, until: int | None, options: Any) -> list[Any]:
        got: list[Any] = []
        async with client.amap(inputs, *args, **options) as results:
            try:
                async for outcome in results:
                    got.append(outcome)
                    if len(got) == until:
                        break
            except Exception as error:  # noqa: BLE001  # the test's to look at
                self.failure = error
        self.report = results.report
        return got
