"""A platform and a browser; where there is no Chromium, the tests say so and are skipped."""

from __future__ import annotations

import chromium
import pytest

import qianfan.local


def pytest_collection_modifyitems(items):
    """Skip the tests of this folder where there is no browser."""
    if chromium.PATH is None:
        missing = pytest.mark.skip(reason="no Chromium: scripts/setup browser, or CHROMIUM=<path>")
        for item in items:
            if item.path.parent.name == "browser":
                item.add_marker(missing)


@pytest.fixture
def platform():
    """A platform whose streams take their time."""
    with qianfan.local.platform(any_dataset=True, chunk_delay=0.01) as platform:
        yield platform


@pytest.fixture
def console(platform):
    """Open the platform's page in browsers; each must have complained of nothing and asked nobody else."""

    class _Console:
        def __init__(self, **options):
            self._opened = chromium.opened(platform.url, **options)

        async def __aenter__(self):
            self.page = await self._opened.__aenter__()
            return self.page

        async def __aexit__(self, kind, error, traceback):
            await self._opened.__aexit__(kind, error, traceback)
            if kind is None:
                assert self.page.complaints == []
                own = (f"{platform.url}/", "data:")
                assert [url for url in self.page.requested if not url.startswith(own)] == []

    return _Console
