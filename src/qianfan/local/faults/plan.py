"""The faults of one platform: in which order they are asked, what they have met, how chance decides."""

from __future__ import annotations

import random
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from qianfan.local.faults import files
from qianfan.local.faults.answers import Struck
from qianfan.local.faults.effects import Code, Reset, Status
from qianfan.local.faults.fault import Fault, Fluent, on

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence

    from typing_extensions import Self, Unpack

    from qianfan.local.faults.condition import Conditions
    from qianfan.local.faults.effects import Effect
    from qianfan.local.journal import Call

_SEEDS = 2**32  # made up ones


class _Standing(NamedTuple):
    """A fault of a platform, as it stood at one moment."""

    fault: Fault
    seed: str
    met: int
    hits: int
    chance: Any


class Placed(Fluent):
    """A fault of a platform. Further effects may be chained, from which on it counts anew.

    Attributes:
        fault: The fault.
        met: How many calls met its conditions, `nth`, `every`, `times` and `p` apart.
        hits: How many of them suffered it.
    """

    def __init__(self, faults: Faults, fault: Fault, seed: str) -> None:
        self._faults = faults
        self._seed = seed
        self._begin(fault)

    def remove(self) -> None:
        """Take the fault off its platform; nothing happens where it is off already."""
        self._faults.remove(self)

    def __repr__(self) -> str:
        told = f"遇到 {self.met} 次，发生 {self.hits} 次" if self.fault.effects else "还没有说会发生什么"
        return f"{self.fault!r}  # {told}"

    def strikes(self, call: Call) -> bool:
        """Count a call, and return whether it is one that suffers the fault."""
        when = self.fault.when
        if not self.fault.effects or not when.fits(call):
            return False
        self.met += 1
        chance = self._random.random()
        return (
            when.falls_on(self.met)
            and (when.times is None or self.hits < when.times)
            and (when.p is None or chance < when.p)
        )

    def with_effect(self, effect: Effect) -> Self:
        """Let one more thing happen."""
        self._begin(self.fault.with_effect(effect))
        return self

    def snapshot(self) -> _Standing:
        """Return what it is and has counted."""
        return _Standing(self.fault, self._seed, self.met, self.hits, self._random.getstate())

    def restore(self, saved: _Standing) -> Self:
        """Be that again."""
        self.fault, self._seed, self.met, self.hits, chance = saved
        self._random.setstate(chance)
        return self

    def _begin(self, fault: Fault) -> None:
        self.fault = fault
        self.met = self.hits = 0
        # Of the fault's own text, so that one fault's chances do not depend on the others'.
        self._random = random.Random(f"{self._seed} {fault!r}")  # noqa: S311  # dice, no secret


class _Saved(NamedTuple):
    """The faults of a platform, as they stood at one moment."""

    owner: Faults
    seed: int
    placed: list[tuple[Placed, _Standing]]


class Faults:
    """The faults of a platform, first to last; a call suffers the first that is for it.

    Whether a fault is for a call is counted by each for itself, over the calls that got past
    authentication, whichever fault they suffered.

    Args:
        faults: The faults to begin with.
        seed: What chance begins with; by default made up.

    Raises:
        ValueError: A fault does not say what happens, or the seed is none.
    """

    def __init__(self, faults: Iterable[Fault] = (), seed: int | None = None) -> None:
        if seed is not None and files.check_seed(seed):
            raise ValueError(f"a seed {files.check_seed(seed)}, not {seed!r}")
        self._seed = random.randrange(_SEEDS) if seed is None else seed  # noqa: S311  # no secret
        self._lock = threading.Lock()
        self._placed: list[Placed] = []
        for fault in faults:
            self.add(fault)

    @property
    def seed(self) -> int:
        """What chance began with: the same seed, faults and calls in the same order make the same run."""
        return self._seed

    def on(self, route: str, **conditions: Unpack[Conditions]) -> Placed:
        """Add a fault and return it: what happens is said by its methods, as of `qianfan.local.on`.

        Raises:
            ValueError: There is no such route, or a condition that no call could meet.
        """
        return self._place(on(route, **conditions))

    def add(self, fault: Fault) -> Placed:
        """Add a fault behind the others.

        Raises:
            ValueError: It does not say what happens.
        """
        return self._place(fault.complete())

    def remove(self, placed: Placed) -> None:
        """Take a fault off; nothing happens where it is off already."""
        with self._lock:
            self._placed = [other for other in self._placed if other is not placed]

    def clear(self) -> None:
        """Take all faults off."""
        with self._lock:
            self._placed = []

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the faults and the seed to a file, as JSON.

        Raises:
            OSError: The file cannot be written.
        """
        files.write(path, [placed.fault for placed in self if placed.fault.effects], self.seed)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Take the faults and the seed of a file in place of those that are here, and count from the start.

        Raises:
            OSError: The file cannot be read.
            ValueError: It holds no faults, or a bad one: which, and why.
        """
        loaded, seed = files.read(path)
        with self._lock:
            self._placed, self._seed = [], seed
        for fault in loaded:
            self.add(fault)

    @contextmanager
    def replaced(self, faults: Sequence[Fault]) -> Iterator[list[Placed]]:
        """Have other faults for a while, and then those of now again, with what they have counted."""
        kept = self._placed
        self.clear()
        try:
            yield [self.add(fault) for fault in faults]
        finally:
            with self._lock:
                self._placed = kept

    def snapshot(self) -> _Saved:
        """Return the faults with what they have counted, and the seed."""
        with self._lock:
            return _Saved(self, self._seed, [(placed, placed.snapshot()) for placed in self._placed])

    def restore(self, saved: _Saved) -> None:
        """Have these faults and this seed, and no others."""
        with self._lock:
            self._seed = saved.seed
            self._placed = [
                # Whoever placed it here holds on to it; of another platform's there is a copy.
                (placed if saved.owner is self else Placed(self, was.fault, was.seed)).restore(was)
                for placed, was in saved.placed
            ]

    def meet(self, call: Call) -> None:
        """Let a call that was let in meet the faults; the journal's entry is told which it suffers.

        Raises:
            Struck: The fault takes the place of the answer.
        """
        if not self._placed:
            return
        with self._lock:
            struck = [placed for placed in self._placed if placed.strikes(call)]
            if not struck:
                return
            struck[0].hits += 1
            call.fault = fault = struck[0].fault
        instead = fault.get(Reset) or fault.get(Status) or fault.get(Code)
        if instead is not None:
            raise Struck(instead)

    def __iter__(self) -> Iterator[Placed]:
        return iter(list(self._placed))

    def __len__(self) -> int:
        return len(self._placed)

    def __repr__(self) -> str:
        head = f"# 故障 {len(self)} 个，随机种子 {self.seed}"
        return "\n".join([head, *map(repr, self)])

    def _place(self, fault: Fault) -> Placed:
        with self._lock:
            same = sum(placed.fault.when == fault.when for placed in self._placed)
            placed = Placed(self, fault, f"{self._seed} {same}")
            self._placed.append(placed)
        return placed
