"""Behaviour of slots and names: which file a post belongs to, and what it is called."""

import os
import time
from itertools import islice, pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.storage.slots import LONGEST_STAMP, Naming, Slot, folder_name

# As POSIX writes them, so that no time zone database is needed.
UTC = "UTC0"
BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
LORD_HOWE = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"
"""The zone whose summer time is half an hour."""
NEPAL = "<+0545>-5:45"

NEW_YEAR = 1_767_225_600  # Thu Jan 01 00:00:00 2026 UTC
BERLIN_SPRING = 1_774_746_000  # Sun Mar 29 01:00:00 2026 UTC: from 2 to 3 o'clock
BERLIN_AUTUMN = 1_792_890_000  # Sun Oct 25 01:00:00 2026 UTC: from 3 to 2 o'clock
LORD_HOWE_AUTUMN = 1_775_314_800  # Sat Apr 04 15:00:00 2026 UTC: from 2 to half past 1
DAY = 86_400

times = st.floats(0, 4e9) | st.integers(0, 4 * 10**9)
intervals = st.integers(1, 60)
zones = st.sampled_from([UTC, BERLIN, LORD_HOWE, NEPAL])


def set_zone(zone: str | None) -> None:
    """Make `zone` the process's local time; None takes the variable away."""
    if zone is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = zone
    time.tzset()


class ZoneTestCase(SynchronousTestCase):
    """Puts the local time back as it was."""

    def setUp(self) -> None:
        self.addCleanup(set_zone, os.environ.get("TZ"))
        set_zone(UTC)

    def walk(self, naming: Naming, begin: float, end: float) -> list[Slot]:
        """The slots from `begin` to `end`, each asked for at the end of the one before."""
        slots = [naming.slot(begin)]
        while slots[-1].end < end:
            slots.append(naming.slot(slots[-1].end))
        return slots


class SlotTests(ZoneTestCase):
    """A slot is a stretch of the local hour."""

    def test_table(self) -> None:
        """Interval, minute and second -> first minute and length in minutes."""
        for interval, minute, second, first, length in (
            (10, 0, 0, 0, 10),
            (10, 9, 59.9, 0, 10),
            (10, 10, 0, 10, 10),
            (10, 59, 59.999999, 50, 10),
            (1, 59, 3, 59, 1),
            (60, 59, 3, 0, 60),
            (7, 6, 59, 0, 7),
            (7, 7, 0, 7, 7),
            (7, 55, 59, 49, 7),
            (7, 56, 0, 56, 4),
            (7, 59, 59, 56, 4),
            (45, 44, 0, 0, 45),
            (45, 45, 0, 45, 15),
        ):
            slot = Naming("x", minute_interval=interval).slot(NEW_YEAR + minute * 60 + second)
            self.assertEqual(
                slot,
                Slot(
                    NEW_YEAR + first * 60,
                    NEW_YEAR + (first + length) * 60,
                    f"20260101_00{first:02d}",
                ),
            )

    def test_a_slot_holds_its_beginning_and_not_its_end(self) -> None:
        """No time belongs to two slots."""
        slot = Slot(100.0, 160.0, "")
        for now, held in ((99.9, False), (100.0, True), (159.9, True), (160.0, False)):
            self.assertEqual(slot.holds(now), held)

    def test_the_last_moment(self) -> None:
        """Times that a microsecond cannot express are not rounded into the next slot."""
        end = NEW_YEAR + 600
        before = end - 2.5e-7  # about the distance of two floats here
        self.assertLess(before, end)
        self.assertEqual(Naming("x").slot(before), Naming("x").slot(NEW_YEAR))

    def test_formats(self) -> None:
        """The stamp is as the settings want it."""
        for timefmt, stamp in (
            ("%Y%m%d_%H%M", "20260101_1230"),
            ("-%Y-%m-%dT%H.%M.%S", "-2026-01-01T12.30.00"),
            ("%j", "001"),
        ):
            naming = Naming("x", filename_timefmt=timefmt)
            self.assertEqual(naming.slot(NEW_YEAR + 12.6 * 3600 + 17).stamp, stamp)

    def test_local_time_or_utc(self) -> None:
        """By the local hour, also where that begins within the hour of UTC."""
        set_zone(NEPAL)
        now = NEW_YEAR + 6 * 60
        self.assertEqual(Naming("x").slot(now).stamp, "20260101_0550")
        self.assertEqual(Naming("x", minute_interval=60).slot(now).begin, NEW_YEAR - 45 * 60)
        self.assertEqual(Naming("x", utc=True).slot(now).stamp, "20260101_0000")

    @given(times, intervals, zones, st.booleans())
    def test_any_time(self, now: float, interval: int, zone: str, utc: bool) -> None:
        """A slot holds its time, is named by the local clock, and is the same at its beginning."""
        set_zone(zone)
        slot = Naming("x", minute_interval=interval, filename_timefmt="%H%M", utc=utc).slot(now)
        self.assertTrue(slot.holds(now))
        self.assertTrue(0 < slot.end - slot.begin <= interval * 60)
        clock = (time.gmtime if utc else time.localtime)(int(now))
        first = clock.tm_min // interval * interval
        self.assertEqual(slot.stamp, f"{clock.tm_hour:02d}{first:02d}")

    @given(times, intervals, zones, st.booleans())
    def test_slots_abut(self, now: float, interval: int, zone: str, utc: bool) -> None:
        """The next begins where one ends, except where the clock is put in the middle of it."""
        set_zone(zone)
        naming = Naming("x", minute_interval=interval, utc=utc)
        slot = naming.slot(now)
        following = naming.slot(slot.end)
        self.assertTrue(following.holds(slot.end))
        if utc or time.localtime(now).tm_gmtoff == time.localtime(slot.end).tm_gmtoff:
            self.assertEqual(following.begin, slot.end)
            self.assertNotEqual(following.stamp, slot.stamp)
            self.assertEqual(naming.slot(slot.begin), slot)


class SummerTimeTests(ZoneTestCase):
    """The clock is put forward and back; no post is without a slot, and no slot is endless."""

    def test_an_hour_that_is_left_out(self) -> None:
        """Berlin in spring: after 01:50 comes 03:00."""
        set_zone(BERLIN)
        slots = self.walk(
            Naming("x", filename_timefmt="%H%M"), BERLIN_SPRING - 600, BERLIN_SPRING + 600
        )
        self.assertEqual([slot.stamp for slot in slots], ["0150", "0300"])
        self.assertEqual(slots[0].end, slots[1].begin)

    def test_an_hour_that_comes_twice(self) -> None:
        """Berlin in autumn: the names come twice, of slots that do not overlap."""
        set_zone(BERLIN)
        naming = Naming("x", filename_timefmt="%H%M", minute_interval=30)
        slots = self.walk(naming, BERLIN_AUTUMN - 3600, BERLIN_AUTUMN + 3600)
        self.assertEqual([slot.stamp for slot in slots], ["0200", "0230", "0200", "0230"])
        for one, following in pairwise(slots):
            self.assertEqual(one.end, following.begin)

    def test_half_an_hour_that_comes_twice(self) -> None:
        """Lord Howe in autumn: an hour's slot ends with the hour, and the next has half of it."""
        set_zone(LORD_HOWE)
        back = LORD_HOWE_AUTUMN
        slots = self.walk(
            Naming("x", filename_timefmt="%H%M", minute_interval=60), back - 3600, back + 3600
        )
        self.assertEqual([slot.stamp for slot in slots], ["0100", "0100", "0200"])
        self.assertEqual([slot.end for slot in slots], [back, back + 1800, back + 5400])

    def test_every_interval_in_every_zone(self) -> None:
        """Walking a day round each change never stands still, and misses nothing."""
        for zone in (BERLIN, LORD_HOWE):
            set_zone(zone)
            for change in (BERLIN_SPRING, BERLIN_AUTUMN, LORD_HOWE_AUTUMN):
                for interval in (1, 7, 10, 25, 30, 60):
                    naming = Naming("x", minute_interval=interval)
                    for one, following in pairwise(
                        self.walk(naming, change - DAY / 4, change + DAY / 4)
                    ):
                        self.assertTrue(following.holds(one.end))
                        self.assertTrue(one.end < following.end <= one.end + interval * 60)
                        if 30 % interval == 0:
                            self.assertEqual(following.begin, one.end)


class NameTests(ZoneTestCase):
    """What files are called."""

    def test_names(self) -> None:
        """Name and stamp without a separator, as the scripts of its users expect."""
        naming = Naming("my job")
        slot = naming.slot(NEW_YEAR)
        final = naming.final(slot)
        self.assertEqual(final, "my job20260101_0000.json")
        self.assertEqual(naming.temporary(final), "my job20260101_0000.json.tmp")
        self.assertEqual(next(naming.finals("my job20260101_0000.json.tmp")), final)
        other = Naming("j", extension=".jsonl", temporary_extension=".part")
        self.assertEqual(other.temporary(other.final(slot)), "j20260101_0000.jsonl.part")

    def test_alternatives(self) -> None:
        """Two digits at first, more after 99, and no end."""
        names = list(islice(Naming("a").alternatives("a1.json"), 103))
        self.assertEqual(names[:3], ["a1.json", "a1_00.json", "a1_01.json"])
        self.assertEqual(names[100:], ["a1_99.json", "a1_100.json", "a1_101.json"])
        self.assertEqual(len(set(names)), len(names))

    def test_temporary_names(self) -> None:
        """Ours are those of this capture that are not finished."""
        naming = Naming("test")
        for name, ours in (
            ("test20260101_0000.json.tmp", True),
            ("test20260101_0000_00.json.tmp", True),
            ("test20260101_0000.json", False),
            ("test20260101_0000.json.torn", False),
            ("rest20260101_0000.json.tmp", False),
            ("test.tmp", False),
        ):
            self.assertEqual(naming.is_temporary(name), ours, name)


class FolderNameTests(SynchronousTestCase):
    """A name from the server is one plain path component, or refused."""

    def test_accepted(self) -> None:
        """All that the site allows, and more that is harmless."""
        for name in (
            "a",
            "my job",
            " a ",
            "-_-",
            "x" * 64,
            "été 日本 😀",
            "a.b",
            "a..",
            "~",
            "a\\b",
        ):
            self.assertEqual(folder_name(name, 0), name)

    def test_refused(self) -> None:
        """Name -> reason."""
        for name, reason in (
            ("", "it is empty"),
            (" ", "it is empty"),
            ("\u3000", "it is empty"),
            (".", "it begins with a dot"),
            ("..", "it begins with a dot"),
            (".hidden", "it begins with a dot"),
            ("a/b", "it contains a slash or a control character"),
            ("/etc", "it contains a slash or a control character"),
            ("a/../..", "it contains a slash or a control character"),
            ("a\0", "it contains a slash or a control character"),
            ("a\n", "it contains a slash or a control character"),
            ("a\x7f", "it contains a slash or a control character"),
            ("a\ud800", "it contains half a character (a lone surrogate)"),
        ):
            error = self.assertRaises(ValueError, folder_name, name, 0)
            self.assertEqual(str(error), reason, name)

    def test_length(self) -> None:
        """As many bytes as leave room for all that is added, counted in UTF-8."""
        naming = Naming("")
        room = LONGEST_STAMP + len(naming.extension + naming.temporary_extension)
        longest = 255 - 24 - room
        self.assertEqual(folder_name("x" * longest, room), "x" * longest)
        self.assertRaises(ValueError, folder_name, "x" * (longest + 1), room)
        error = self.assertRaises(ValueError, folder_name, "é" * longest, room)
        self.assertEqual(
            str(error), f"it has {2 * longest} bytes, more than the {longest} that fit a file name"
        )

    @given(st.text(st.characters(), max_size=20))
    def test_any_name(self, name: str) -> None:
        """What is accepted stays below its folder."""
        try:
            folder = folder_name(name, 100)
        except ValueError:
            return
        path = os.path.normpath(f"/base/{folder}")
        self.assertEqual(path, f"/base/{folder}")
        self.assertEqual(Path(os.fsdecode(path.encode())).parent, Path("/base"))
