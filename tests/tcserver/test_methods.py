"""The citation and the methods paragraph are made of the account, in its words."""

from tcserver.accounts.account import account_of
from tcserver.captures.models import CaptureRecord
from tcserver.website.methods import Methods, methods_of
from tests.tcserver.case import DatabaseCase
from tests.tcserver.sentledgers import KINDS, gap, send, told_at


class MethodsTests(DatabaseCase):
    def setUp(self) -> None:
        super().setUp()
        self.number = self.world.demo.pk

    def told(self, *lines: tuple[float, dict[str, object]], files: int = 0) -> Methods | None:
        """The texts, of a ledger with these lines."""
        data = b"".join(told_at(at, members, self.number) for at, members in lines)
        send(self.world.client, "a", self.world.demo, data)
        capture = CaptureRecord.objects.select_related("project").get(pk=self.number)
        account = account_of(capture)
        assert account is not None
        return methods_of(capture, account, files)

    def test_a_capture(self) -> None:
        """What, when, for which keywords, what is missing, and how it can be proved."""
        CaptureRecord.objects.filter(pk=self.number).update(total=1_234)
        other = KINDS["in_force"] | {"text": "cats,\r\ntea", "since": "2026-06-01T12:10:00.000Z"}
        told = self.told(
            (0, KINDS["begin"]),
            (0, KINDS["start"]),
            (0, KINDS["asked"]),
            (0, KINDS["in_force"]),
            (600, other),
            (700, gap(640, 700)),
            (1000, KINDS["stop"]),
            files=1,
        )
        assert told is not None
        span = "from 2026-06-01 12:00:00 to 2026-06-01 12:16:40 UTC."
        self.assertTrue(
            told.citation.startswith("Captures (2026). demo [data set of posts from X]")
        )
        self.assertTrue(told.citation.endswith(span))
        for words in (
            span,
            "The keywords were “cats”; then “cats, tea”.",
            "Coverage is 94.000 % of the wanted time: 1 min 0 s missing, in 1 gap, of which the "
            "longest (1 min 0 s, stall) began at 2026-06-01 12:10:40 UTC.",
            "1,234 posts were reported; 1 finished file can be proved",
        ):
            self.assertIn(words, told.paragraph)

    def test_a_sample_without_gaps(self) -> None:
        told = self.told((0, KINDS["begin"]), (0, KINDS["start"]), (100, KINDS["stop"]))
        assert told is not None
        self.assertIn("it is a sample of all posts.", told.paragraph)
        self.assertIn("Coverage is 100 %", told.paragraph)

    def test_what_never_ran(self) -> None:
        """Has none."""
        self.assertIsNone(self.told((0, KINDS["begin"]), (0, KINDS["asked"])))
