"""The benchmark of the capture server: what its figures mean, and a small run of it."""

import json
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase, TestCase

from benchmarks.fleet import FleetRun, read_arguments, report, table
from benchmarks.fleetload import POLL, REPORT, Tally
from benchmarks.fleetsite import Sums
from benchmarks.versus import OURS, STOCK, ratio_of
from tests.e2e.processes import python, run
from tests.marks import Need, needs

ROOT = Path(__file__).parents[2]


def done(tally: Tally, stored: Sums) -> FleetRun:
    """A run of ten clients for a minute."""
    return FleetRun(10, 60.0, 0.25, 0.1, 0.02, 80.0, 90.0, tally, stored)


class FleetTests(SynchronousTestCase):
    def test_what_is_lost(self) -> None:
        """A sum that is less, or more, than what the server has said to have taken."""
        accepted = Tally(counts=450, ledgers=120)
        self.assertEqual(done(accepted, Sums(450, 450, 120)).lost, [])
        for stored in (Sums(449, 450, 120), Sums(450, 451, 120), Sums(450, 450, 0)):
            [sentence] = done(accepted, stored).lost
            self.assertIn(str(stored), sentence)

    def test_a_request_without_an_answer(self) -> None:
        """It may be taken or not: more may be stored than was accepted, and no less."""
        unsure = Tally(counts=450, unsure=1)
        self.assertEqual(done(unsure, Sums(900, 900, 0)).lost, [])
        self.assertEqual(len(done(unsure, Sums(449, 450, 0)).lost), 1)

    def test_the_report(self) -> None:
        """Shares of a core, and for each kind of request how many there were, and how long."""
        tally = Tally()
        tally.seconds[POLL] = [0.001 * n for n in range(1, 101)]
        tally.seconds[REPORT] = [0.5]
        tally.errors.append("POST update/: 503")
        lines = list(report(done(tally, Sums(0, 0, 0))))
        self.assertIn("| 10 | 2 | 25.0% | 10.0% | 2.0% | 80 (peak 90) | 1 |", lines)
        self.assertIn("| GET activejobs/ | 100 | 50.0 | 99.0 | 100.0 |", lines)
        self.assertIn("| all | 101 | 51.0 | 100.0 | 500.0 |", lines)
        self.assertIn("POST update/: 503", lines)

    def test_the_ratio(self) -> None:
        """Of medians."""
        costs = {POLL: {OURS: [1.0, 9.0, 2.0], STOCK: [4.0, 8.0, 80.0]}}
        self.assertEqual(ratio_of(costs, POLL, STOCK), 0.25)
        self.assertIn("| 1.00 – 2.00 – 9.00 | 4.00 – 8.00 – 80.00 | 0.25 |", [*table(costs)][2])

    def test_the_defaults(self) -> None:
        """A client's intervals, ten minutes, and a file as the database."""
        options = read_arguments([])
        self.assertEqual((options.every, options.minutes, options.clients), (10.0, 10.0, 300))
        self.assertIsNone(options.database)


@needs(Need.PROCESSES)
class SmallFleetTests(TestCase):
    timeout = 180

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    async def test_a_small_fleet(self) -> None:
        """It lives, fails at nothing, and loses nothing."""
        folder = self.folder
        small = ("--clients=4", "--minutes=0.05", "--every=0.5", "--rounds=0", "--close")
        command = python("-m", "benchmarks.fleet", *small, f"--folder={folder}")
        ended = await run(self, folder, command, PYTHONPATH=str(ROOT))
        self.assertEqual((ended.err, ended.status), ("", 0), ended.out)
        self.assertIn("Nothing is lost", ended.out)
        found = json.loads((folder / "fleet.json").read_text())
        self.assertEqual((found["lost"], found["run"]["tally"]["errors"]), ([], []))
        self.assertGreater(found["run"]["stored"]["updates"], 0)
        self.assertEqual([path.name for path in folder.iterdir()], ["fleet.json"])
