"""What holds of `map` here holds of it with workers: the same tests, once more."""

from __future__ import annotations

import pytest
import test_map
from support.workers import ByRay
from test_checkpoint import test_failures, test_goes_on, test_what_says_nothing_of_an_input  # noqa: F401
from test_map import (  # noqa: F401
    test_as_they_come,
    test_broken_inputs,
    test_other_kinds,
    test_outcomes_in_order,
    test_what_an_input_may_be,
)

#: Both ways are the same beside workers as without: one each is enough for most.
_IN_A_LOOP = ("test_outcomes_in_order", "test_goes_on")


@pytest.fixture
def many(request, cluster):  # noqa: ARG001  # it has to be there
    """By `map`, or `amap` for some tests."""
    return ByRay("amap" if request.node.originalname in _IN_A_LOOP else "map")


class TestLevel(test_map.TestLevel):
    """How many requests at once."""

    test_no_wait_for_a_place_is_a_failure = (
        None  # allows a call 0.2 s, in which a busy machine may start workers
    )


class TestTheEnd(test_map.TestTheEnd):
    """What ends a run early."""

    test_a_budget_is_used_up = test_a_budget_of_tokens = None  # test_ray_limits.py has budgets
