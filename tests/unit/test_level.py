"""How many requests at once: the arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qianfan.bulk.level import Level


def test_it_grows_with_replies():
    """From a modest start by one with every reply, up to what is allowed."""
    level = Level(64)
    assert level.now == 16
    for _ in range(100):
        level.answered()
    assert level.now == 64


@pytest.mark.parametrize("most", [1, 5, 16])
def test_a_small_one_starts_at_its_end(most):
    """It never passes what is allowed."""
    level = Level(most)
    level.answered()
    assert level.now == most


def test_one_cut_for_all_that_were_in_flight():
    """Ten refusals of ten requests in flight say the same thing once."""
    level = Level(16)
    for _ in range(10):
        level.refused(10, 0.0)
    assert level.now == 7
    level.refused(7, 0.0)
    assert level.now == 4


def test_slowly_after_the_first_refusal():
    """It then grows by one for as many replies as it lets out at once."""
    level = Level(64)
    level.refused(10, 0.0)
    assert level.now == 7
    for _ in range(7):
        level.answered()
    assert level.now == 7
    level.answered()
    assert level.now == 8


def test_pauses():
    """The service's own word about the time holds; at one at a time, pauses grow until a reply comes."""
    level = Level(2)
    level.refused(2, 100.0, retry_after=7.0)
    assert level.resumes == 107.0
    told = []
    for _ in range(9):
        level.refused(1, 200.0)
        told.append(level.resumes - 200.0)
    assert told == sorted(told)
    assert max(told) == 15.0
    level.answered()
    level.refused(1, 300.0)  # it had grown to two
    level.refused(1, 300.0)
    assert level.resumes == 301.0


def test_no_more_fit():
    """What does not fit beside three lowers it to three, and it then grows slowly."""
    level = Level(64)
    level.filled(3, 0.0)
    assert level.now == 3
    level.filled(5, 0.0)
    assert level.now == 3
    level.answered()
    assert level.now == 3
    level.filled(0, 5.0)
    assert level.now == 1
    assert level.resumes > 5.0


@given(
    st.integers(1, 300),
    st.lists(st.one_of(st.none(), st.tuples(st.integers(1, 300), st.floats(0, 1e6)))),
)
def test_bounds(most, events):
    """Whatever happens, at least one may go out, and never more than is allowed; a refusal never raises it."""
    level = Level(most)
    for event in events:
        before = level.now
        if event is None:
            level.answered()
            assert level.now >= before
        else:
            level.refused(event[0], 0.0, event[1])
            assert level.now <= before
        assert 1 <= level.now <= most
