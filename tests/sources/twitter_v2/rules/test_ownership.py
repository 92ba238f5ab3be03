"""Whose a rule is, by whatever tag a client has ever given it."""

from msgspec import structs
from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.twitter_v2.rules.ownership import Ownership, Whose
from tcclient.storage.installation import Identity
from tcclient.storage.knownservers import address, key

HERE = key(address("https://captures.example.org/"), 1)
BEFORE = key(address("http://127.0.0.1:8000/api/"), 1)
OTHER = key(address("https://other.example.org/"), 1)
ME = Identity("0123456789ab", HERE, frozenset({HERE, BEFORE}), frozenset({OTHER}))


class TagTests(SynchronousTestCase):
    """Tags are read as they were written."""

    def setUp(self) -> None:
        self.ours = Ownership(ME)

    def test_there_and_back(self) -> None:
        """Installation, server and job; short enough for whatever X takes."""
        for job_id in (0, 1, 17, 2**63 - 1, -1):
            tag = self.ours.tag(job_id)
            self.assertRegex(tag, r"\Atcc:[0-9a-f]{12}\.[0-9a-f]{8}:")
            self.assertLessEqual(len(tag), 45)
            self.assertEqual(self.ours.job_of(tag), job_id)

    def test_those_of_earlier_releases(self) -> None:
        """One for each address that the server had; a rule from before an upgrade is still ours."""
        self.assertEqual(HERE, "a948bfa0")
        for prefix in (HERE, BEFORE):
            self.assertEqual(self.ours.job_of(f"tcc:{prefix}:17"), 17)
        self.assertIsNone(self.ours.job_of(f"tcc:{OTHER}:17"))

    def test_those_of_an_installation_that_was_in_its_place(self) -> None:
        """They are ours, for this server."""
        self.ours.identity = structs.replace(ME, also=frozenset({"ba9876543210"}))
        self.assertEqual(self.ours.job_of(f"tcc:ba9876543210.{HERE}:17"), 17)
        self.assertEqual(self.ours.whose(f"tcc:ba9876543210.{OTHER}:17"), Whose.ELSEWHERE)
        self.assertEqual(self.ours.whose(f"tcc:ba9876543211.{HERE}:17"), Whose.ANOTHER_TCC)

    def test_what_only_looks_like_ours(self) -> None:
        """No tag, foreign ones, and what no client has ever written."""
        begun = self.ours.tag(1)[:-1]
        for other in (
            None, "", "17", "tcc:17", begun, begun[:-1], f"x{begun}17", f"{begun}017",
            f"{begun}1_7", f"{begun}17 ", f"{begun}17\n", f"{begun}\u0663", f"{begun}-0",
            begun + "9" * 5000,
        ):  # fmt: skip
            self.assertIsNone(self.ours.job_of(other), other)

    def test_nothing_is_ours_before_it_is_known_who_we_are(self) -> None:
        """No rule is taken for ours, and none can be made."""
        nobody = Ownership()
        self.assertIsNone(nobody.job_of(self.ours.tag(1)))
        self.assertIs(nobody.whose(self.ours.tag(1)), Whose.ANOTHER_TCC)
        self.assertRaises(ValueError, nobody.tag, 1)


class WhoseTests(SynchronousTestCase):
    """Each rule of an app has somebody to whom it belongs."""

    def test_table(self) -> None:
        """Ours, those of another server, of another installation, and of other programs."""
        ours = Ownership(ME)
        for tag, whose in (
            (ours.tag(1), Whose.OURS),
            (f"tcc:{BEFORE}:1", Whose.OURS),
            (f"tcc:0123456789ab.{OTHER}:1", Whose.ELSEWHERE),
            (f"tcc:0123456789ab.{BEFORE}:1", Whose.ELSEWHERE),
            (f"tcc:{OTHER}:1", Whose.ELSEWHERE),
            (f"tcc:fedcba987654.{HERE}:1", Whose.ANOTHER_TCC),
            ("tcc:99999999:1", Whose.ANOTHER_TCC),
            ("tcc:", Whose.ANOTHER_TCC),
            (" TCC:x", Whose.ANOTHER_TCC),
            ("tccx", Whose.FOREIGN),
            ("snow", Whose.FOREIGN),
            ("", Whose.FOREIGN),
            (None, Whose.FOREIGN),
        ):
            self.assertIs(ours.whose(tag), whose, tag)

    def test_what_a_ledger_has(self) -> None:
        """Earlier releases noted no tag; a folder from another machine brings nothing of ours."""
        ours = Ownership(ME)
        copy = Ownership(Identity("fedcba987654", HERE))
        for tag, is_ours, is_the_copys in (
            (None, True, False),
            (ours.tag(1), True, False),
            (ours.tag(2), False, False),
            (copy.tag(1), False, True),
        ):
            self.assertEqual(ours.is_noted(tag, 1), is_ours, tag)
            self.assertEqual(copy.is_noted(tag, 1), is_the_copys, tag)
