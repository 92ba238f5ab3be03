"""
The command that plays scenarios: those that are named, one after the other, and a row for each.

Knows nothing of what they are; a folder that somebody has to look into is left and named.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from random import randrange
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.trial.unittest import SkipTest

from tests.faults import table
from tests.faults.accounting import Row


class Named(Protocol):
    """A scenario of either suite."""

    @property
    def name(self) -> str: ...


Some = TypeVar("Some", bound=Named)
Play = Callable[[Some, Any, Path, int], Awaitable[Row]]
"""Plays a scenario, so much of it, in a folder, with a seed; raises AssertionError and SkipTest."""


def parser(description: str | None) -> argparse.ArgumentParser:
    """What is common; a suite adds its `amount`."""
    made = argparse.ArgumentParser(description=description)
    drawn = randrange(1_000_000)
    made.add_argument("--seed", type=int, default=drawn, help="decides when things happen")
    return made


def main(told: argparse.ArgumentParser, scenarios: Sequence[Some], play: Play[Some]) -> None:
    """Play what is chosen; exits with status 1 where something is wrong."""
    names = {scenario.name: scenario for scenario in scenarios}
    told.add_argument(
        "--scenario", action="append", choices=names, metavar="NAME", help=", ".join(names)
    )
    options = told.parse_args()
    chosen = [names[name] for name in options.scenario or names]

    async def program() -> None:
        print(f"seed {options.seed}\n{table.head()}", flush=True)
        well = [await _is_well(one, options.amount, options.seed, play) for one in chosen]
        if not all(well):
            sys.exit("Not everything agrees.")

    react(lambda reactor: Deferred.fromCoroutine(program()))


async def _is_well(scenario: Some, amount: Any, seed: int, play: Play[Some]) -> bool:
    """Play it and print its row; whether nothing is wrong with that."""
    folder = Path(tempfile.mkdtemp(prefix="tcc-faults-"))
    try:
        row = await play(scenario, amount, folder, seed)
    except SkipTest as e:
        print(f"{scenario.name:{table.NAME}} {e}", flush=True)
        return True
    except AssertionError as e:
        print(f"{scenario.name:{table.NAME}} {e}\n    See {folder}.", flush=True)
        return False
    print(table.line(row), flush=True)
    if row.wrong:
        print(f"    See {folder}.", flush=True)
        return False
    shutil.rmtree(folder)
    return True
