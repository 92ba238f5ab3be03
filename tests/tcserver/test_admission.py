"""Who may stay connected while too many are."""

import logging

from twisted.trial.unittest import SynchronousTestCase

from tcserver.admission import Admission, log


class AdmissionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.admission: Admission[str] = Admission(most=4, most_of_a_place=2)
        unheard = logging.NullHandler()
        log.addHandler(unheard)
        self.addCleanup(log.removeHandler, unheard)

    def enters(self, guest: str, place: str | None) -> tuple[bool, str | None]:
        """Whether it may, and who has to go."""
        return self.admission.enter(guest, place)

    def test_room(self) -> None:
        """Up to the limit of a place nobody has to go; who leaves makes room."""
        self.assertEqual(self.enters("a", "x"), (True, None))
        self.assertEqual(self.enters("b", "x"), (True, None))
        self.assertEqual(self.enters("c", "x"), (True, "a"))
        self.admission.leave("b")
        self.assertEqual(self.enters("d", "x"), (True, None))

    def test_a_crowded_place(self) -> None:
        """Only its own go."""
        self.enters("other", "y")
        self.enters("a", "x")
        self.enters("b", "x")
        self.assertEqual(self.enters("c", "x"), (True, "a"))

    def test_what_is_worked_on_stays(self) -> None:
        """Who waits goes instead; where nobody waits the new one does not come in."""
        self.enters("a", "x")
        self.enters("b", "x")
        self.admission.works("a")
        self.assertEqual(self.enters("c", "x"), (True, "b"))
        self.admission.works("c")
        self.assertEqual(self.enters("d", "x"), (False, None))
        self.admission.waits("c")
        self.admission.waits("a")
        self.assertEqual(self.enters("d", "x"), (True, "c"))

    def test_in_all(self) -> None:
        """From wherever: who has waited for longest goes, also one of no place."""
        for guest, place in (("a", None), ("b", "x"), ("c", "y"), ("d", None)):
            self.assertEqual(self.enters(guest, place), (True, None))
        self.assertEqual(self.enters("e", "z"), (True, "a"))

    def test_no_place(self) -> None:
        """As many as there are in all."""
        for guest in "abcd":
            self.assertEqual(self.enters(guest, None), (True, None))

    def test_nothing_is_kept_of_who_left(self) -> None:
        """Nor of one who is told of again."""
        for number in range(1000):
            self.enters(str(number), str(number))
        for number in range(1000):
            self.admission.leave(str(number))
            self.admission.waits(str(number))
        kept = (self.admission._places, self.admission._counts, self.admission._waiting)
        self.assertEqual([len(one) for one in kept], [0, 0, 0])

    def test_it_is_said_once(self) -> None:
        """Until there are half as many."""
        with self.assertLogs(log) as said:
            for number in range(10):
                self.enters(str(number), "x")
            self.admission.leave("8")
            self.admission.leave("9")
            for number in range(10, 13):
                self.enters(str(number), "x")
        self.assertEqual(len(said.output), 2)
        self.assertIn("2 connections from x", said.output[0])
