"""Run the benchmarks: rounds of every measure, contestant by contestant, then the tables."""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import cold
import environments
import local_platform
import report
from measures import CONTESTANTS, GROUPS, HEAVY, Measure

RESULTS = Path(__file__).parent / "RESULTS.md"
COLD_REPEATS = 3  # in each round


def main() -> None:
    options = arguments()
    measures = [measure for group in options.only for measure in GROUPS[group]]
    samples: report.Samples = defaultdict(lambda: defaultdict(list))
    begin, finished, failure = time.monotonic(), 0, ""
    try:
        with environments.bare_server() as server:
            for finished in range(options.rounds):
                merge(samples, one_round(measures, finished, options, server))
        finished = options.rounds
    except (subprocess.SubprocessError, KeyboardInterrupt) as error:
        failure = f"{getattr(error, 'stderr', '')}\n{error!r}\nonly {finished} rounds were finished"
    progress(f"done in {(time.monotonic() - begin) / 60:.1f} minutes\n")

    text = report.render(samples, measures, environments.facts(), finished)
    print(text)
    if failure:
        raise SystemExit(failure)
    whole = set(options.only) == set(GROUPS) and set(options.who) == set(CONTESTANTS) and not options.quick
    if whole or options.write:
        RESULTS.write_text(text, encoding="utf-8")
        print(f"written: benchmarks/{RESULTS.name}", file=sys.stderr)


def progress(line: str) -> None:
    """Say where the run is: on one line that changes, or, where that cannot be, a line at a time."""
    before, after = ("\r\033[K", "") if sys.stderr.isatty() else ("", "\n")
    print(f"{before}{line}", end=after, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=0, help="how often everything is measured (default 5)")
    parser.add_argument(
        "--quick", action="store_true", help="2 rounds of a quarter of the calls, written nowhere"
    )
    parser.add_argument(
        "--only", nargs="+", choices=GROUPS, default=list(GROUPS), help="some groups of measures"
    )
    parser.add_argument(
        "--who", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS), help="some contestants"
    )
    parser.add_argument("--write", action="store_true", help="write RESULTS.md even if not everything ran")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 5)
    return options


def one_round(
    measures: list[Measure], number: int, options: argparse.Namespace, server: str
) -> report.Samples:
    """Measure everything once; each round begins with another contestant, so that none is always first."""
    samples: report.Samples = defaultdict(lambda: defaultdict(list))
    for measure in measures:
        progress(f"round {number + 1} of {options.rounds}: {measure.name}")
        who = [name for name in measure.who if name in options.who]
        shift = number % len(who) if who else 0
        cold_start = measure.group == "cold"
        for _ in range(COLD_REPEATS if cold_start and not options.quick else 1):
            for name in who[shift:] + who[:shift]:
                if cold_start:
                    figures = start(measure, name, server)
                elif measure.group == "many":
                    figures = many(measure, name, server, quick=options.quick)
                elif measure.group == "platform":
                    figures = serve(measure, server, quick=options.quick)
                else:
                    figures = contest(measure, name, server, quick=options.quick)
                for row, _, key in measure.rows:
                    samples[row][name].append(figures[key])
    return samples


def merge(samples: report.Samples, more: report.Samples) -> None:
    for row, by_who in more.items():
        for who, figures in by_who.items():
            samples[row][who] += figures


def start(measure: Measure, who: str, server: str) -> dict[str, float]:
    python, env = environments.python(CONTESTANTS[who]), environments.variables(server)
    return cold.measure(python, cold.STATEMENTS[measure.what, measure.mode][who], env)


def contest(measure: Measure, who: str, server: str, *, quick: bool) -> dict[str, float]:
    """Run ``contestant.py`` in the contestant's environment; what it prints."""
    count = measure.heavy_count if who in HEAVY else measure.count
    count = max(count // 4 if quick else count, measure.concurrency)
    env = environments.variables(server)
    if measure.what == "tokens":
        env["BENCH_NO_TOKEN"] = "1"
    order = [who, measure.what, measure.mode, measure.concurrency, count, server]
    tokens = environments.token_requests(server)
    figures = ran("contestant.py", [*order, *environments.CLIENT_CORE], env, CONTESTANTS[who])
    if measure.what == "tokens":
        return {"figure": environments.token_requests(server) - tokens}
    return figures


def many(measure: Measure, who: str, server: str, *, quick: bool) -> dict[str, float]:
    """Run ``many.py``; what it prints."""
    env, count = environments.variables(server), measure.count // 4 if quick else measure.count
    with contextlib.ExitStack() as stack:
        if measure.what == "local platform":
            served = local_platform.Served(
                environments.SERVER_CORE, environments.python("ours"), any_key=True
            )
            stack.callback(served.end)
            server = f"http://127.0.0.1:{served.port}"
        order = [who, measure.mode, measure.concurrency, count, server]
        return ran("many.py", [*order, *environments.CLIENT_CORE], env)


def serve(measure: Measure, server: str, *, quick: bool) -> dict[str, float]:
    """Run ``local_platform.py``; what it prints."""
    env, count = environments.variables(server), measure.count // 4 if quick else measure.count
    if measure.what == "start":
        return {"figure": cold.measure(environments.python("ours"), local_platform.START, env)["wall"]}
    order = [measure.what, measure.mode, measure.concurrency, count]
    return ran("local_platform.py", [*order, *environments.CLIENT_CORE, *environments.SERVER_CORE], env)


def ran(script: str, order: list[Any], env: dict[str, str], environment: str = "ours") -> dict[str, float]:
    """Run a script in an environment; the figures that its last line holds."""
    done = subprocess.run(
        [environments.python(environment), str(Path(__file__).with_name(script)), *map(str, order)],
        env=env,
        cwd=env["HOME"],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
