"""Two hundred edits of the keywords, one after the other."""

from tests.faults.commands import Terms
from tests.faults.scenario import Scenario
from tests.faults.world import World

EDITS = 200
WORDS = ("storm", "green tea", "coffee", "rain", "milk", "cocoa", "sugar")


async def edit(world: World, rounds: int) -> None:
    """As fast as the server takes them; the last ones stay."""
    for _ in range(rounds):
        for _ in range(EDITS):
            await world.write(keywords=", ".join(world.random.sample(WORDS, 3)))
        await world.some_time(1.0, 2.0)
        await world.recovered()


KEYWORDS = (
    Scenario("200 edits, v1.1", edit),
    Scenario("200 edits, v2", edit, Terms(api="2")),
)
