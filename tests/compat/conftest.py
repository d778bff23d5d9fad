"""What of this folder is not for the Python of the tests."""

from __future__ import annotations

import suites

collect_ignore = list(suites.FOLDERS.values())
