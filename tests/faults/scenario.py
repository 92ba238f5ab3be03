"""A scenario, and the playing of it from the first process to the row."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs

from tests.faults.accounting import Row, judge
from tests.faults.commands import Terms
from tests.faults.world import World

Act = Callable[[World, int], Awaitable[None]]
"""Does so many rounds of harm to a world in which posts flow, and leaves it well."""


@attrs.frozen
class Scenario:
    """A name, what happens, and the world in which it does."""

    name: str
    act: Act
    terms: Terms = attrs.field(factory=Terms)


def in_turn(name: str, *scenarios: Scenario) -> Scenario:
    """All of them in one world, for which their terms have to be the same."""

    [terms] = {scenario.terms for scenario in scenarios}

    async def act(world: World, rounds: int) -> None:
        for scenario in scenarios:
            await scenario.act(world, rounds)

    return Scenario(name, act, terms)


async def play(scenario: Scenario, rounds: int, folder: Path, seed: int = 1) -> Row:
    """The scenario's row.  Raises AssertionError where the client does not come back at all."""
    world = World(folder, scenario.terms, seed)
    try:
        await world.begin()
        await world.flow()
        await scenario.act(world, rounds)
        period = await world.close()
        row = judge(scenario.name, await world.evidence(period), world.recoveries)
        if not scenario.terms.other:
            return row
        other = judge(scenario.terms.other, await world.evidence(period, 2), world.recoveries)
        wrong = [f"{other.scenario}: {what}" for what in other.wrong]
        return attrs.evolve(row, wrong=(*row.wrong, *wrong, *world.not_told()))
    finally:
        await world.end()
