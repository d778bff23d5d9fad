"""The tables: figures, ratios taken within a round, and targets judged by them."""

from __future__ import annotations

import datetime as dt
from statistics import median
from typing import TYPE_CHECKING

from measures import CONTESTANTS, TARGETS, Measure, Target

if TYPE_CHECKING:
    from collections.abc import Mapping

Samples = dict[str, dict[str, list[float]]]  # measure → contestant → a figure for each round

INTRODUCTION = """\
# Results

Written by `scripts/bench` on {date}, {rounds} rounds; `README.md` says how to read it.
Every ratio is the median of the ratios within a round.
"""


def render(samples: Samples, measures: list[Measure], facts: Mapping[str, str], rounds: int) -> str:
    date = dt.datetime.now(dt.timezone.utc).date().isoformat()
    parts = [INTRODUCTION.format(date=date, rounds=rounds)]
    parts.append(table(["Where", ""], [[key, value] for key, value in facts.items()]))
    parts += ["## Targets\n", targets(samples)]
    parts += ["## Ratios and figures\n", FIGURES, figures(samples, measures)]
    return "\n".join(parts)


NOT_MET = "**not met**"
FIGURES = "Figures are medians over the rounds, the lowest in brackets. `÷` columns are ratios.\n"


def targets(samples: Samples) -> str:
    rows = [row for target in TARGETS if (row := judge(samples, target))]
    met = sum(row[-1] == "met" for row in rows)
    header = ["Measure", "Who", "Beside", "Reached", "Bare", "Target", "Verdict"]
    return f"{met} of {len(rows)} met.\n\n" + table(header, rows)


def judge(samples: Samples, target: Target) -> list[str] | None:
    """One row of the targets' table, nothing where a side was not measured."""
    by_who = samples.get(target.measure, {})
    ours = by_who.get(target.whose)
    if not ours:
        return None
    if not target.beside:
        worst, sign = (min(ours), "≥") if target.at_least else (max(ours), "≤")
        met = worst >= target.limit if target.at_least else worst <= target.limit
        limit = f"{sign} {plain(target.limit)}"
        return [target.measure, target.whose, "", plain(worst), "", limit, "met" if met else NOT_MET]
    base = target.base or target.measure
    others = samples.get(base, {}).get(target.beside)
    value = ratio(ours, others)
    if value is None:
        return None
    bare = None if target.beside in {"bare", "ours"} else ratio(by_who.get("bare"), others)
    beside = f"{target.beside}, {target.base}" if target.base else target.beside
    limit = f"≤ {fraction(target.limit)}"
    reached = [times(value), times(bare), limit, verdict(value, target.limit, bare)]
    return [target.measure, target.whose, beside, *reached]


def verdict(value: float, limit: float, bare: float | None = None) -> str:
    if value <= limit:
        return "met"
    return NOT_MET + (", nor by bare" if bare is not None and bare > limit else "")


def figures(samples: Samples, measures: list[Measure]) -> str:
    pairs = [("ours", "bare"), ("v2", "ours"), ("openai", "ours"), ("official", "ours")]
    header = ["Measure", "Unit", *CONTESTANTS, *(f"{one} ÷ {other}" for one, other in pairs)]
    rows = []
    for name, unit, _ in (row for measure in measures for row in measure.rows):
        by_who = samples[name]
        cells = [figure(by_who.get(who)) for who in CONTESTANTS]
        ratios = [times(ratio(by_who.get(one), by_who.get(other))) for one, other in pairs]
        rows.append([name, unit, *cells, *ratios])
    return table(header, rows)


def ratio(ours: list[float] | None, others: list[float] | None) -> float | None:
    if not ours or not others or not all(others):
        return None
    return median(one / other for one, other in zip(ours, others, strict=True))


def figure(values: list[float] | None) -> str:
    return f"{plain(median(values))} ({plain(min(values))})" if values else ""


def plain(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def times(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}" if value >= 0.995 else f"{value:.3f}"


def fraction(value: float) -> str:
    return f"1/{1 / value:.0f} ({value:.3f})" if value < 1 else f"{value:g}"


def table(header: list[str], rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * width for width in widths], *rows]
    return "".join(f"| {' | '.join(map(str.ljust, line, widths))} |\n" for line in lines)
