"""The picture: what is counted, in which steps, and that a file of the right kind comes of it."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from twisted.trial.unittest import SynchronousTestCase

import tcclient
from tcaccount.rates import Minutes
from tcclient.sources.registry import post_ids
from tests.marks import Need, needs
from tests.tcaccount.ledgertext import NOON, FolderCase, post_at


def id_at(seconds: float) -> str:
    return post_at(seconds).split(b'"')[5].decode()


class CurveTests(SynchronousTestCase):
    def test_posts_per_minute(self) -> None:
        """In the minute in which each was made."""
        minutes = Minutes(post_ids())
        for second in (0, 59.9, 60, 185):
            minutes.take(id_at(second))
        curve = minutes.curve((NOON, NOON + 190))
        self.assertEqual(curve.minutes, 1)
        self.assertEqual(curve.edges, [NOON + 60 * n for n in range(5)])
        self.assertEqual(curve.values, [2, 1, 0, 1])

    def test_a_long_time(self) -> None:
        """Means of so many minutes that it can be seen; nothing is lost."""
        minutes = Minutes(post_ids())
        days = 40 * 86400
        for second in range(0, days, 3600):
            minutes.take(id_at(second))
        curve = minutes.curve((NOON, NOON + days))
        self.assertEqual((curve.minutes, len(curve.values)), (60, 961))
        self.assertAlmostEqual(sum(curve.values) * curve.minutes, 960)
        self.assertEqual(len(minutes.curve((NOON, NOON + 1499 * 60)).values), 1500)

    def test_what_cannot_be_shown(self) -> None:
        """Is counted: posts of another time, and those whose id does not tell."""
        minutes = Minutes(post_ids())
        for one in (id_at(-61), id_at(-1), id_at(0), id_at(61), "20", "x"):
            minutes.take(one)
        self.assertEqual(minutes.outside((NOON, NOON + 60)), 2)
        self.assertEqual(minutes.undated, 2)


class PictureTests(FolderCase):
    def setUp(self) -> None:
        super().setUp()
        self.capture(3, 4)

    def test_a_picture(self) -> None:
        """In the format that its name says; nothing is printed."""
        png, svg = Path(self.mktemp() + ".png"), Path(self.mktemp() + ".SVG")
        for path in (png, svg):
            self.assertEqual(self.account("--plot", str(path)), (0, "", ""))
        self.assertEqual(png.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        self.assertTrue(ElementTree.fromstring(svg.read_bytes()).tag.endswith("}svg"))

    def test_gaps_and_what_is_left_out(self) -> None:
        """A picture with gaps is another one than without, and so is one without all posts."""
        sizes = []
        for change in (b"", b'{"id_str":"20"}\n'):
            path = Path(self.mktemp() + ".svg")
            with self.data()[0].open("ab") as file:
                file.write(change)
            self.account("--plot", str(path))
            sizes.append(path.stat().st_size)
        lines = self.lines()
        gap = next(line for line in lines if line["kind"] == "gap")
        self.write(*lines, {**gap, "end": "2026-11-23T12:05:00.000Z"})
        path = Path(self.mktemp() + ".svg")
        self.account("--plot", str(path))
        sizes.append(path.stat().st_size)
        self.assertEqual(sizes, sorted(set(sizes)))

    def test_without_a_start(self) -> None:
        """There is no time to draw."""
        self.write(*(line for line in self.lines() if line["kind"] != "capture_start"))
        status, _, err = self.account("--plot", "x.png")
        self.assertEqual(status, 2)
        self.assertIn("No line of the ledger says that the capture was started.", err)

    def test_a_place_that_cannot_be_written(self) -> None:
        """Is a sentence."""
        status, _, err = self.account("--plot", str(self.base / "none" / "x.png"))
        self.assertEqual(status, 2)
        self.assertIn("No such file or directory", err)

    def test_another_format(self) -> None:
        """Is refused before anything is read."""
        status, _, err = self.account("--plot", "x.pdf")
        self.assertEqual(status, 2)
        self.assertIn("ends with none of .png, .svg", err)

    @needs(Need.PROCESSES)
    def test_without_matplotlib(self) -> None:
        """What to install is said; everything else works without it."""
        code = (
            "import sys; sys.modules['matplotlib'] = None\n"
            "from tcaccount.command import main; main(sys.argv[1:])"
        )
        root = Path(tcclient.__file__).parents[1]
        for more, status, said in (
            (["--plot", "x.png"], 2, "pip install"),
            (["--verify"], 0, "agrees"),
        ):
            process = subprocess.run(
                [sys.executable, "-c", code, str(self.folder.resolve()), *more],
                cwd=root,
                capture_output=True,
                text=True,
                timeout=60,
            )
            self.assertEqual(process.returncode, status)
            self.assertIn(said, process.stdout + process.stderr)
            self.assertNotIn("Traceback", process.stderr)
