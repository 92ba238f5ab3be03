"""The benchmark of pages after a year: what its figures mean, and a small run of it."""

import json
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase, TestCase

from benchmarks.year import PageCost, pages, read_arguments, table
from tests.e2e.processes import python, start, until
from tests.marks import Need, needs

ROOT = Path(__file__).parents[2]


class YearTests(SynchronousTestCase):
    def test_the_table(self) -> None:
        """The dearest page comes first; times are in milliseconds."""
        cheap = PageCost("about/", [0.002] * 20, 4, 4000)
        dear = PageCost("captures/", [0.1] * 19 + [0.5], 10, 9000)
        _, _, first, second = table([cheap, dear])
        self.assertEqual(first, "| captures/ | 100 | 100 | 500 | 10 | 9 |")
        self.assertIn("| about/ | 2 | 2 | 2 | 4 | 4 |", second)

    def test_the_pages(self) -> None:
        """Of captures ten are asked for in turn, from the first to the last ones."""
        found = pages(range(1000, 1100), range(1, 21), 1)
        self.assertEqual(found["captures/<id>/"][1], "/captures/1010/")
        self.assertEqual([len(found[one]) for one in ("clients/<id>/", "captures/")], [10, 1])

    def test_the_defaults(self) -> None:
        """A year of a hundred captures, five million lines, two million rows."""
        options = read_arguments([])
        self.assertEqual((options.captures, options.days, options.lines), (100, 365, 5_000_000))
        self.assertEqual(options.history + options.alerts, 2_000_000)


@needs(Need.PROCESSES)
class ASmallYearTests(TestCase):
    timeout = 120

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()

    async def test_a_few_days(self) -> None:
        """It fills an installation, asks for each page, says what they cost, and leaves nothing."""
        folder = self.folder
        size = ("--captures", "3", "--days", "3", "--history", "300", "--alerts", "300")
        more = ("--lines", "900", "--times", "2", "--folder", ".", "--json", "year.json")
        command = python("-m", "benchmarks.year", *size, *more)
        year = start(self, folder, command, PYTHONPATH=str(ROOT))
        await until(lambda: year.status is not None, "the end of the year", 100.0)
        self.assertIn("| captures/<id>/account/ |", year.out, year.err)
        told = json.loads((folder / "year.json").read_text())
        self.assertEqual(told["size"]["lines"], 900)
        self.assertEqual(told["pages"]["history/"]["queries"], 4)
        self.assertEqual({one.name for one in folder.iterdir()}, {"year.json"})
