"""What every unit test starts from: no setting but its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import qianfan

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hide the settings of whoever runs the tests, and take the setters' back afterwards."""
    for name in list(os.environ):
        if name.startswith("QIANFAN_") or name.lower().endswith("_proxy") or name == "REQUESTS_CA_BUNDLE":
            monkeypatch.delenv(name)
    yield
    for take_back in (qianfan.AK, qianfan.SK, qianfan.AccessToken, qianfan.AccessKey, qianfan.SecretKey):
        take_back(None)
