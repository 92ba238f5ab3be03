"""The picture: what is counted, in which steps, and that a file of the right kind comes of it."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from matplotlib.image import imread
from twisted.trial.unittest import SynchronousTestCase

import tcclient
from tcaccount.rates import Minutes, Stretch, curve, shares, stretches, untimed
from tcaccount.record import Booked
from tcclient.ledger.bookings import Adopted, File
from tcclient.ledger.entries import moment
from tcclient.sources.registry import post_ids
from tests.marks import Need, needs
from tests.tcaccount.ledgertext import NOON, FolderCase, post_at


def id_at(seconds: float) -> str:
    return post_at(seconds).split(b'"')[5].decode()


def file(at: float, first: float, last: float, posts: int, *, recovered: bool = False) -> Booked:
    """
    A file that was booked at a time, with arrivals; all in seconds after noon.  When the first post
    of a file came that a crash left, nobody knows.
    """
    entry = File(
        name="x",
        posts=posts,
        bytes=1,
        first_arrival=None if recovered else moment(NOON + first),
        last_arrival=moment(NOON + last),
        recovered=recovered,
    )
    return Booked(1, NOON + at, 7, entry)


class StretchTests(SynchronousTestCase):
    def spans(self, *files: Booked) -> list[tuple[float, float, float]]:
        return [(one.begin - NOON, one.end - NOON, one.posts) for one in stretches(files)]

    def test_slots(self) -> None:
        """A file is for the time from the booking of the one before, or as long as is usual."""
        found = self.spans(
            file(600, 10, 590, 5),
            file(1200, 900, 1190, 6),
            file(3000, 2500, 2990, 7),  # no posts came in the two slots before
            file(3600, 3100, 3500, 8),
        )
        self.assertEqual(found, [(0, 600, 5), (600, 1200, 6), (2400, 3000, 7), (3000, 3600, 8)])

    def test_the_file_of_a_crash(self) -> None:
        """It ends with its last post: it was booked whenever the next process began."""
        found = self.spans(
            file(600, 10, 590, 5),
            file(1200, 610, 1190, 5),
            file(9000, 1300, 1400, 6, recovered=True),
        )
        self.assertEqual(found[2], (1200, 1400, 6))

    def test_crashes_only(self) -> None:
        """Nothing tells how long a slot is, but that it lies within an hour."""
        found = self.spans(
            file(500, 0, 400, 5, recovered=True),
            file(5000, 0, 900, 6, recovered=True),
            file(5000, 0, 4000, 7, recovered=True),
        )
        self.assertEqual(found, [(0, 400, 5), (400, 900, 6), (3600, 4000, 7)])

    def test_files_without_a_time(self) -> None:
        """Those that were adopted, and those of a crash that was found to be cut, are counted."""
        cut = Booked(1, NOON, 7, File(name="x", posts=3, bytes=1, recovered=True))
        older = Booked(2, NOON, 7, Adopted(name="y", posts=4, bytes=1, sha256=""))
        known = file(600, 10, 590, 5)
        self.assertEqual(untimed([cut, known, older]), 7)
        self.assertEqual(self.spans(cut, known, older), [(10, 600, 5)])

    def test_a_process_that_stood_still(self) -> None:
        """What was booked long after its slot came within the slot."""
        found = self.spans(
            file(60, 1, 59, 5),
            file(120, 61, 119, 6),
            file(600, 121, 171, 7),
            file(660, 601, 659, 8),
        )
        self.assertEqual(found[2], (120, 180, 7))

    def test_a_single_file(self) -> None:
        """Nothing tells how long a slot is."""
        self.assertEqual(self.spans(file(600, 10, 590, 5)), [(10, 600, 5)])


class CurveTests(SynchronousTestCase):
    def test_posts_per_minute(self) -> None:
        """In the minute in which each was made."""
        minutes = Minutes(post_ids())
        for second in (0, 59.9, 60, 185):
            minutes.take(id_at(second))
        found = curve(minutes.stretches(), (NOON, NOON + 190))
        self.assertEqual(found.minutes, 1)
        self.assertEqual(found.edges, [NOON + 60 * n for n in range(5)])
        self.assertEqual(found.values, [2, 1, 0, 1])

    def test_a_slot_that_was_heard_in_part(self) -> None:
        """The rate is that of the time in which posts came, and nothing is drawn in the gap."""
        heard = [(NOON, NOON + 90), (NOON + 180, NOON + 300)]
        found = curve([Stretch(NOON, NOON + 300, 210)], (NOON, NOON + 299), heard)
        self.assertEqual(found.values, [60, 60, 0, 60, 60])

    def test_posts_that_came_when_none_could(self) -> None:
        """They are in no step that was heard, so that no rate is told of them."""
        found = curve([Stretch(NOON, NOON + 60, 9)], (NOON, NOON + 119), [(NOON + 60, NOON + 120)])
        self.assertEqual(found.values, [0, 0])

    def test_a_long_time(self) -> None:
        """Means of so many minutes that it can be seen; nothing is lost."""
        minutes = Minutes(post_ids())
        days = 40 * 86400
        for second in range(0, days, 3600):
            minutes.take(id_at(second))
        found = curve(minutes.stretches(), (NOON, NOON + days))
        self.assertEqual((found.minutes, len(found.values)), (60, 961))
        self.assertAlmostEqual(sum(found.values) * found.minutes, 960)
        self.assertEqual(len(curve([], (NOON, NOON + 1499 * 60)).values), 1500)
        self.assertEqual(curve([], (NOON, NOON + 365 * 86400)).minutes, 1440)

    def test_what_cannot_be_shown(self) -> None:
        """Is counted: posts of another time, and those whose id does not tell."""
        minutes = Minutes(post_ids())
        for one in (id_at(-61), id_at(-1), id_at(0), id_at(61), "20", "x"):
            minutes.take(one)
        self.assertEqual(minutes.outside((NOON, NOON + 60)), 2)
        self.assertEqual(minutes.undated, 2)


class ShareTests(SynchronousTestCase):
    def test_shares_of_a_period(self) -> None:
        """What of each part of it is in some times, which may overlap; none where nothing is."""
        found = shares([(1, 2), (1.5, 3), (19, 31)], (0, 40), 4)
        self.assertEqual(found, [((0, 10), 0.2), ((10, 20), 0.1), ((20, 30), 1.0), ((30, 40), 0.1)])
        self.assertEqual(shares([(5, 6)], (0, 40), 4), [((0, 10), 0.1)])
        self.assertEqual(shares([(30, 40)], (0, 40), 4), [((30, 40), 1.0)])


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

    def drawn(self, *arguments: str) -> str:
        """The texts of a picture, which are paths of glyphs in an SVG but for their comments."""
        path = Path(self.mktemp() + ".svg")
        self.assertEqual(self.account("--plot", str(path), *arguments), (0, "", ""))
        return path.read_text(encoding="utf-8")

    def curve_of(self, drawn: str) -> str:
        """The shape of the curve in a picture."""
        return drawn.partition('<g id="patch_3">')[2].partition("clip-path")[0]

    def test_what_it_says(self) -> None:
        """Name, period and coverage; gaps by cause, stops and new keywords where there are any."""
        plain = self.drawn()
        for text in ("test, 2026-11-23 12:00:00 to 2026-11-23 12:20:00 UTC", "Coverage 100 %"):
            self.assertIn(f"<!-- {text}", plain)
        self.assertNotIn("gap: stall", plain)
        lines = self.lines()
        gap = next(line for line in lines if line["kind"] == "gap")
        stall = {**gap, "cause": "stall", "end": "2026-11-23T12:05:00.000Z"}
        begun = next(line for line in lines if line["kind"] == "capture_start")
        later = {"at": "2026-11-23T12:30:00.000Z"}
        in_force = {"kind": "keywords_in_force", "job": 7, "since": later["at"], **later}
        first, other = {**in_force, "text": "obama"}, {**in_force, "text": "other"}
        end = {**lines[-1], "at": "2026-11-23T12:40:00.000Z"}
        self.write(*lines, stall, {**begun, **later}, first, other, end)
        full = self.drawn()
        for text in ("gap: stall", "stopped", "new keywords"):
            self.assertIn(f"<!-- {text}", full)

    def test_gaps_of_a_second(self) -> None:
        """In a long time many of them do not look like one: each is in a strip at the top only."""
        lines = self.lines()
        gap = next(line for line in lines if line["kind"] == "gap")
        begins = [moment(NOON + day * 86400) for day in range(365)]
        ends = [moment(NOON + day * 86400 + 1) for day in range(365)]
        gaps = [
            {**gap, "cause": "stall", "begin": begin, "end": end}
            for begin, end in zip(begins, ends, strict=True)
        ]
        last = {**lines[-1], "at": moment(NOON + 365 * 86400)}
        self.write(*(one for one in lines if one["kind"] != "capture_stop"), *gaps, last)
        path = Path(self.mktemp() + ".png")
        self.assertEqual(self.account("--plot", str(path)), (0, "", ""))
        pixels = imread(path)
        is_shaded = pixels[:, :, 0] - pixels[:, :, 2] > 0.1  # red, as no curve is
        rows = int((is_shaded.sum(axis=1) > 300).sum())
        self.assertTrue(5 < rows < 40, f"{rows} rows of {len(pixels)}")

    def test_no_file_is_read(self) -> None:
        """The ledger has what is drawn; a fine picture needs the files."""
        for path in self.data():
            path.unlink()
        self.drawn()
        status, _, err = self.account("--plot", "x.svg", "--fine")
        self.assertEqual(status, 2)
        self.assertIn("No such file", err)

    def test_a_crash(self) -> None:
        """The posts of a file that it left are drawn; of one without a time the title tells."""
        plain = self.drawn()
        known, unknown = [
            {
                **{name: value for name, value in line.items() if name != "first_arrival"},
                "recovered": True,
            }
            for line in self.lines()
            if line["kind"] == "file"
        ]
        others = [line for line in self.lines() if line["kind"] != "file"]
        self.write(*others[:-1], known, others[-1])
        self.assertNotIn("without", self.drawn())
        self.write(*others[:-1], others[-1])
        empty = self.drawn()
        self.assertNotEqual(self.curve_of(empty), self.curve_of(plain))
        del unknown["last_arrival"]
        self.write(*others[:-1], unknown, others[-1])
        drawn = self.drawn()
        self.assertEqual(self.curve_of(drawn), self.curve_of(empty))
        self.assertIn("(without 4 posts in files without a time)", drawn)

    def test_a_fine_picture(self) -> None:
        """It says which posts it cannot show."""
        with self.data()[0].open("ab") as file:
            file.write(b'{"id_str":"20"}\n')
        self.assertIn("(without 1 post without a time)", self.drawn("--fine"))
        self.assertEqual(self.account("--fine")[0], 2)

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
