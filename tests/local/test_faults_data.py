"""A fault is data: it prints as the code that makes it, goes to a file and back, and must make sense."""

from __future__ import annotations

import json

import pytest

import qianfan.local
from qianfan.local import on
from qianfan.local.app import build
from qianfan.local.faults import from_json
from qianfan.local.faults.condition import ROUTES
from qianfan.local.faults.effects import KINDS
from qianfan.local.state import Options, State

FAULTS = [
    'on("chat").status(503)',
    'on("chat", nth=2).status(429, retry_after=3)',
    'on("*", nth=[1, 4], times=1).status(400, body="说明")',
    'on("console", endpoint="finetuning.*").status(200, body={\'a\': [1, None]})',
    'on("embedding", nth=range(2, 9, 2), model="bge-large-zh").code(336100)',
    'on("chat", every=3, version=2).code("invalid_model", message="没有")',
    'on("chat", p=0.25, stream=True).delay(2).code(18)',
    'on("token", method="POST").reset()',
    'on("chat").cut()',
    'on("chat").cut(after=0, clean=True)',
    'on("chat", text="退款").stall()',
    'on("chat").stall(20, after=3).cut(after=3)',
    'on("models", path="/v2/*").garbage()',
    'on("chat").garbage(after=2)',
    'on("chat").split(1).slow_headers(0.5)',
]


@pytest.mark.parametrize("text", FAULTS)
def test_the_text_is_the_code(text):
    """A fault prints as the code that makes it, in the shortest form."""
    assert repr(eval(text, {"on": on})) == text  # noqa: S307  # the texts above


@pytest.mark.parametrize("text", FAULTS)
def test_json_and_back(text):
    """A fault survives JSON."""
    fault = eval(text, {"on": on})  # noqa: S307  # the texts above

    assert from_json(json.loads(json.dumps(fault.as_json()))) == fault


def test_every_kind_is_in_these_tests():
    """No kind of fault is left out above."""
    assert {kind for kind in KINDS if any(f".{kind}(" in text for text in FAULTS)} == set(KINDS)


def test_json_is_short():
    """JSON says what was said, and nothing that goes without saying."""
    assert on("chat", nth=2).status(429, retry_after=3).as_json() == {
        "on": {"route": "chat", "nth": 2},
        "do": [{"kind": "status", "status": 429, "retry_after": 3}],
    }


def test_a_fault_is_a_value():
    """Each method returns a new fault: one beginning serves several."""
    begin = on("chat", nth=1)
    first, second = begin.reset(), begin.status(500)

    assert begin.effects == ()
    assert repr(first) == 'on("chat", nth=1).reset()'
    assert repr(second) == 'on("chat", nth=1).status(500)'
    assert first == on("chat", nth=1).reset() != second


@pytest.mark.parametrize(
    "make",
    [
        lambda: on("chats"),
        lambda: on("chat", nth=0),
        lambda: on("chat", nth=[]),
        lambda: on("chat", nth=[1, 0]),
        lambda: on("chat", nth=range(3)),
        lambda: on("chat", nth=range(5, 5)),
        lambda: on("chat", nth=True),
        lambda: on("chat", nth=["1"]),
        lambda: on("chat", every=0),
        lambda: on("chat", times=0),
        lambda: on("chat", p=1.5),
        lambda: on("chat", p=float("nan")),
        lambda: on("chat", version=3),
        lambda: on("chat", stream=1),
        lambda: on("chat", text=1),
        lambda: on("chat").status(99),
        lambda: on("chat").status(204),
        lambda: on("chat").status("503"),
        lambda: on("chat").status(503, retry_after=-1),
        lambda: on("chat").status(503, body=b"bytes"),
        lambda: on("chat").code(999999),
        lambda: on("chat").code("no_such_code"),
        lambda: on("chat").code(""),
        lambda: on("chat").code(18, message="two\nlines"),
        lambda: on("chat").code(18, message=18),
        lambda: on("chat").code(True),
        lambda: on("chat").delay(-1),
        lambda: on("chat").delay(float("inf")),
        lambda: on("chat").delay("1"),
        lambda: on("chat").stall(-1),
        lambda: on("chat").stall(after=-1),
        lambda: on("chat").cut(after=1.5),
        lambda: on("chat").garbage(after=-1),
        lambda: on("chat").split(0),
        lambda: on("chat").slow_headers(-1),
        lambda: on("chat").status(503).code(18),
        lambda: on("chat").delay(1).delay(1),
        lambda: on("chat").cut().garbage(),
        lambda: on("chat").reset().split(1),
        lambda: qianfan.local.platform(faults=[on("chat")]),
        lambda: qianfan.local.platform(seed="7"),
        lambda: qianfan.local.platform(seed=-1),
        lambda: qianfan.local.platform(seed=2**63),
        lambda: qianfan.local.platform(faults=[on("chat").reset()], seed=1).faults.add(on("chat")),
    ],
)
def test_what_makes_no_sense_is_refused(make):
    """What could never happen is refused where it is said."""
    with pytest.raises(ValueError):
        make()


def test_an_unknown_condition():
    """A condition that does not exist is an error of the call."""
    with pytest.raises(TypeError, match="number"):
        on("chat", number=1)


@pytest.mark.parametrize("code", [999999, "no_such_code"])
def test_a_code_of_your_own(code):
    """A code that the platform does not have needs words."""
    assert on("chat").code(code, message="新的错误").effects


def test_the_routes_are_those_of_the_journal():
    """A fault can be on every route that the journal knows."""
    state = State(Options(), qianfan.local.Clock())
    try:
        assert {route.app._route for route in build(state).routes} == set(ROUTES) - {"*"}  # no public name
    finally:
        state.store.close()


class TestFiles:
    """Saving and loading."""

    def test_back_as_they_were(self, tmp_path):
        """A file holds the faults in their order, and the seed."""
        path = tmp_path / "faults.json"
        first = qianfan.local.platform(faults=[eval(text, {"on": on}) for text in FAULTS], seed=7)  # noqa: S307
        first.faults.save(path)
        second = qianfan.local.platform(faults=[on("chat").reset()], seed=8)
        second.faults.load(path)

        assert [repr(placed.fault) for placed in second.faults] == FAULTS
        assert second.faults.seed == 7

    def test_a_fault_that_says_nothing_is_not_kept(self, tmp_path):
        """A beginning without an effect is shown as such, and does not enter a file."""
        platform = qianfan.local.platform()
        platform.on("chat", nth=3)
        platform.on("chat").reset()
        assert "还没有说会发生什么" in repr(platform.faults)

        platform.faults.save(tmp_path / "faults.json")
        platform.faults.load(tmp_path / "faults.json")

        assert [repr(placed.fault) for placed in platform.faults] == ['on("chat").reset()']

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"[]",
            b'{"format": 2, "seed": 1, "faults": []}',
            b'{"format": 1, "faults": []}',
            b'{"format": 1, "seed": 1, "faults": {}}',
            b'{"format": 1, "seed": 1, "faults": [1]}',
            b'{"format": 1, "seed": 1, "faults": [{"on": {"route": "chat"}}]}',
            b'{"format": 1, "seed": 1, "faults": [{"on": {"route": "chat"}, "do": []}]}',
            b'{"format": 1, "seed": 1, "faults": [{"on": {}, "do": [{"kind": "reset"}]}]}',
            b'{"format": 1, "seed": 1, "faults": [{"on": {"route": "chat"}, "do": [{"kind": "melt"}]}]}',
            b'{"format": 1, "seed": 1, "faults": [{"on": {"route": "chat"}, "do": [{"kind": "delay"}]}]}',
            b'{"format": 1, "seed": 1, "faults": [{"on": {"route": "chat", "nth": {}}, "do": [{"kind": "reset"}]}]}',
            b'{"format": 1, "seed": 1, "faults": [{"on": {"route": "chat"}, "do": [{"kind": "delay", "seconds": -1}]}]}',
        ],
    )
    def test_a_file_that_holds_no_faults(self, tmp_path, content):
        """What is no file of faults is refused by its name, and changes nothing."""
        path = tmp_path / "faults.json"
        path.write_bytes(content)
        platform = qianfan.local.platform(faults=[on("chat").reset()], seed=8)

        with pytest.raises(ValueError, match=r"faults\.json"):
            platform.faults.load(path)

        assert [repr(placed.fault) for placed in platform.faults] == ['on("chat").reset()']
        assert platform.faults.seed == 8

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (b'{"format": 1,\n "seed": x}', r"faults\.json is not JSON: .*line 2 column 10"),
            (b'{"format": 1, "seed": 1, "faults": [1]}', r"faults\.json: fault 1: this is no fault"),
            (
                (
                    b'{"format": 1, "seed": 1, "faults": [{"on": {"route": "chat"}, "do": [{"kind": "reset"}]}, '
                    b'{"on": {"route": "chta"}, "do": [{"kind": "reset"}]}]}'
                ),
                r"faults\.json: fault 2: a route is one of .*, not 'chta'",
            ),
        ],
    )
    def test_the_place_is_told(self, tmp_path, content, words):
        """Whoever wrote a file by hand is told which fault is wrong, or where it is no JSON."""
        path = tmp_path / "faults.json"
        path.write_bytes(content)

        with pytest.raises(ValueError, match=words):
            qianfan.local.platform().faults.load(path)

    def test_no_file(self, tmp_path):
        """A file that is not there is the system's error."""
        with pytest.raises(FileNotFoundError):
            qianfan.local.platform().faults.load(tmp_path / "missing.json")
