"""
`python -m tests.faults [--rounds N] [--scenario NAME]`: every scenario, and a row for each.

Exits with status 1 where a post is unaccounted for or numbers do not agree.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from random import randrange
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.trial.unittest import SkipTest

from tests.faults import table
from tests.faults.catalogue import SCENARIOS
from tests.faults.scenario import Scenario, play


async def run(scenarios: list[Scenario], rounds: int, seed: int) -> bool:
    """Play them one after the other; whether all is well."""
    print(f"seed {seed}\n{table.head()}", flush=True)
    well = True
    for scenario in scenarios:
        folder = Path(tempfile.mkdtemp(prefix="tcc-faults-"))
        try:
            row = await play(scenario, rounds, folder, seed)
        except SkipTest as e:
            print(f"{scenario.name:{table.NAME}} {e}", flush=True)
            continue
        except AssertionError as e:
            well = False
            print(f"{scenario.name:{table.NAME}} {e}\n    See {folder}.", flush=True)
            continue
        print(table.line(row), flush=True)
        if row.wrong:
            well = False
            print(f"    See {folder}.", flush=True)
        else:
            shutil.rmtree(folder)
    return well


def main() -> None:
    names = {scenario.name: scenario for scenario in SCENARIOS}
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--rounds", type=int, default=3, help="how often each thing happens")
    add("--scenario", action="append", choices=names, metavar="NAME", help=", ".join(names))
    add("--seed", type=int, default=randrange(1_000_000), help="decides when things happen")
    options = parser.parse_args()
    chosen = [names[name] for name in options.scenario or names]

    async def program(reactor: Any) -> None:
        if not await run(chosen, options.rounds, options.seed):
            sys.exit("Not everything agrees.")

    react(lambda reactor: Deferred.fromCoroutine(program(reactor)))


if __name__ == "__main__":
    main()
