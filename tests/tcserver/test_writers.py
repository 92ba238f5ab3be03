"""Many writers at once lose nothing, and a loss would be seen."""

from tcserver.accounts.models import AccountPart, LedgerPiece, PostCount, UpdateRecord
from tcserver.captures.models import CaptureRecord
from tests.marks import Need, needs
from tests.tcserver.case import CommittedCase
from tests.tcserver.writers import Writers


@needs(Need.SECONDS)
class WriterTests(CommittedCase):
    def test_nothing_is_lost(self) -> None:
        """What each was told is done is in the end state, or in history as replaced."""
        writers = Writers(self.world, people=4, clients=4)
        writers.run(400)
        self.assertEqual(writers.lost(), [])
        accepted = sum(one.statuses.total() for one in writers.accepted)
        self.assertEqual(accepted, 400)

    def test_a_loss_is_seen(self) -> None:
        """Of each kind of write."""
        writers = Writers(self.world, people=2, clients=2)
        writers.run(200)
        for lose in (
            lambda: CaptureRecord.objects.filter(pk=self.world.demo.pk).update(keywords="stale"),
            lambda: CaptureRecord.objects.filter(pk=self.world.bare.pk).update(revision=1),
            UpdateRecord.objects.order_by("-count")[0].delete,
            LedgerPiece.objects.order_by("-pk")[0].delete,
            AccountPart.objects.order_by("-pk")[0].delete,
            PostCount.objects.order_by("-posts")[0].delete,
        ):
            before = len(writers.lost())
            lose()
            self.assertGreater(len(writers.lost()), before)
