"""
`python -m benchmarks.live`: the targets of real time and what came of each, in one table, within a
quarter of an hour.

Runs `benchmarks.livefanout` and `benchmarks.realtime`, one after the other and shorter than they
are by themselves.  Exits with status 1 where a target was missed.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from benchmarks.arguments import parser, whole
from benchmarks.lag import percentile
from benchmarks.livesite import POSTGRES, REDIS
from benchmarks.machine import write

FANOUT = ("--minutes=1", "--seconds=10")
PEOPLE = ("--keywords=40", "--polls=2", "--cost=1")


@attrs.frozen
class Target:
    """What is measured, in which unit, what is aimed at, and what was found in the same order."""

    words: str
    unit: str
    goals: tuple[float, ...]
    found: tuple[float, ...]
    polling: str = ""

    @property
    def is_met(self) -> bool:
        """Whether nothing is above its goal."""
        return all(one <= goal for one, goal in zip(self.found, self.goals, strict=True))


def targets(fan: dict[str, Any], people: dict[str, Any]) -> Iterator[Target]:
    """Yield those of the two documents that were measured."""
    push, polling = people["push"], people["polling"]

    def ms(name: str, *shares: float) -> tuple[float, ...]:
        return tuple(percentile(push[name], share) * 1e3 for share in shares)

    def polls(name: str) -> str:
        return f"{statistics.median(polling[name]) * 1e3:,.0f} ms" if polling[name] else ""

    stops = f"click on Stop to STOPPED shown, median and worst of {len(push['stop'])}"
    yield Target(stops, "ms", (150, 300), ms("stop", 0.5, 1.0), polls("stop"))
    yield Target("stops shown before the last file was finished", "", (0,), (push["unfinished"],))
    keywords = "new keywords clicked to accepted, median"
    yield Target(keywords, "ms", (250,), ms("keywords", 0.5), polls("keywords"))
    yield Target(
        "start clicked to stream open, median", "ms", (500,), ms("start", 0.5), polls("start")
    )
    event = "ledger event to shown by the other server, p99"
    yield Target(event, "ms", (500,), ms("event", 0.99), polls("event"))
    out = fan["fan out"]
    late = percentile(out["late"], 0.99) * 1e3
    yield Target("250 clients, 20 pages: fan-out, p99", "ms", (350,), (late,))
    by_push, by_rest = (
        statistics.median(one["servers"] for one in out[n]) for n in ("push", "rest")
    )
    cost = "CPU of a state, by that of a REST report"
    yield Target(cost, "", (0.5,), (by_push / by_rest,), f"{by_rest:.2f} ms")
    yield Target("not acknowledged in the end", "bytes", (0,), (out["unacknowledged"],))
    with_it, without = people["cost"]
    core, rss = (with_it["core"] - without["core"]) * 100, with_it["rss"] - without["rss"]
    yield Target("cost to a client: of a core, and MiB", "%, MiB", (0.1, 10.0), (core, rss))
    back = fan["reconnects"]
    rest = percentile(back["rest"], 0.99) * 1e3
    yield Target(
        f"restart under {back['clients']} clients: all back, handshakes in a second, REST p99",
        "s, 1/s, ms",
        (60.0, 60, 300),
        (back["seconds"], back["most"], rest),
    )


def report(found: Sequence[Target]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| what | unit | goal | found | | by polls alone |"
    yield "| --- " * 6 + "|"
    for one in found:
        goals, values = (", ".join(f"{n:.4g}" for n in some) for some in (one.goals, one.found))
        met = "met" if one.is_met else "**missed**"
        yield f"| {one.words} | {one.unit} | ≤ {goals} | {values} | {met} | {one.polling} |"


def measured(name: str, options: argparse.Namespace, *more: str) -> dict[str, Any]:
    """Return what one of the two has found, whatever its status is."""
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder) / "found.json"
        told = f"--database={options.database}", f"--redis={options.redis}", f"--folder={folder}"
        command = [sys.executable, "-m", f"benchmarks.{name}", f"--json={path}", *told, *more]
        status = subprocess.run(command, check=False).returncode
        if not path.exists():
            raise SystemExit(f"benchmarks.{name} has ended with status {status}.")
        found: dict[str, Any] = json.loads(path.read_text())
        return found


def read_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options."""
    made = parser(__doc__, "live.json")
    made.add_argument("--database", default=POSTGRES, help="whose user may make databases")
    made.add_argument("--redis", default=REDIS)
    made.add_argument("--n", type=whole, default=200, help="stops and starts")
    made.add_argument("--reconnects", type=whole, default=1000, help="clients")
    return made.parse_args(arguments)


def main() -> None:
    """Measure, print, write."""
    options = read_arguments()
    fan = measured("livefanout", options, *FANOUT, f"--reconnects={options.reconnects}")
    people = measured("realtime", options, *PEOPLE, f"--n={options.n}")
    found = [*targets(fan, people)]
    print("\n" + "\n".join(report(found)))
    write(options.json, fan=fan, people=people)
    sys.exit(not all(one.is_met for one in found))


if __name__ == "__main__":
    main()
