"""One account's platforms, one after the other on one state file, called by the SDK in both worlds."""

from __future__ import annotations

import asyncio
import operator
import shutil
import tempfile
from pathlib import Path

from life_model import BEGINNING, IN_WORDS
from reply_shapes import SHAPES, misfit

import qianfan.local
from qianfan.errors import APIError


class LifeCaller:
    """A client of a platform whose clock moves only when it is told to."""

    def __init__(self):
        self._directory = tempfile.TemporaryDirectory()
        self._file = Path(self._directory.name) / "state0"
        self._loop = asyncio.new_event_loop()
        self._calls = 0
        self._begin()

    def _begin(self):
        clock = qianfan.local.Clock(lambda: BEGINNING)
        self.platform = qianfan.local.platform(state=self._file, clock=clock).start()
        self.client = self.platform.client()

    def _leave(self):
        self._loop.run_until_complete(self.client.aclose())
        self.client.close()
        self.platform.stop()

    def restart(self, how):
        """Go on with the same platform (`again`), another, or one on what a kill would leave (`killed`)."""
        if how == "killed":
            copy = self._file.with_name(f"state{int(self._file.name[5:]) + 1}")
            for suffix in ("", "-wal"):
                shutil.copy(f"{self._file}{suffix}", f"{copy}{suffix}")
            self._file = copy
        self._leave()
        if how == "again":
            self.client = self.platform.start().client()
        else:
            self._begin()

    def close(self):
        """Leave nothing behind."""
        self._leave()
        self._loop.close()
        self._directory.cleanup()

    def do(self, group, method, /, *args, **fields):
        """Make a call in one of the two worlds; every third one is awaited."""
        resource = operator.attrgetter(group)(self.client)
        self._calls += 1
        if self._calls % 3:
            return getattr(resource, method)(*args, **fields)

        async def ask():
            return await getattr(resource, f"a{method}")(*args, **fields)

        return self._loop.run_until_complete(ask())

    def ask(self, codes, group, method, /, **fields):
        """Make a console call that must be answered in its shape, or refused with one of some codes.

        Returns:
            The `result`; None where it was refused.
        """
        v2, call = group.endswith("v2"), f"{group}.{method}({fields})"
        if codes:
            fields["validate"] = False
        try:
            body = self.do(group, method, **fields).body
        except APIError as error:
            refused = error
        else:
            assert not codes, f"{call} should be refused with {codes}, not answered with {body}"
            beside = {"status", "success"} if group == "dataset" else set()
            assert body.keys() == {"requestId" if v2 else "log_id", "result", *beside}
            complaint = misfit(body["result"], SHAPES[f"{group}.{method}"])
            assert complaint is None, f"{call}: {complaint}"
            return body["result"]
        allowed = {IN_WORDS[code] for code in codes} if v2 else codes
        assert refused.error_code in allowed, f"{call} should be refused with {allowed}, not {refused}"
        told = self.platform.calls("console").last.reply
        assert told.keys() == (
            {"requestId", "code", "message"} if v2 else {"log_id", "error_code", "error_msg"}
        )
        return None

    def pages(self, most, backwards, group, method, name, **fields):
        """Return the records of a v2 list, read in pages; the page's own words are checked."""
        records, marker = [], None
        while True:
            asked = {"marker": marker, "max_keys": most, "pageReverse": backwards, **fields}
            result = self.ask(set(), group, method, **asked)
            info, page = result["pageInfo"], result[name]
            assert (info["marker"], info["maxKeys"]) == (marker or "", most)
            assert info["isTruncated"] == bool(info["nextMarker"])
            assert len(page) == most or (len(page) < most and not info["isTruncated"])
            records += page
            marker = info["nextMarker"]
            if not marker:
                return records[::-1] if backwards else records
