"""A test case that imports an old site's database beside a small world."""

import io
from pathlib import Path

from django.core.management import call_command

from tcserver.captures.models import CaptureRecord
from tcserver.environment import SetupError
from tcserver.fleet.models import Client
from tcserver.history.models import Concerned, HistoryEntry
from tests.tcserver.case import DatabaseCase


class ImportCase(DatabaseCase):
    """A server as it is after its first start, but for the small world's rows."""

    def setUp(self) -> None:
        super().setUp()
        self.file = Path(self.mktemp()).absolute()
        # The world's captures and clients have low numbers, or others, as tests go on.
        self.mine = set(CaptureRecord.objects.values_list("pk", flat=True))
        self.clients = set(Client.objects.values_list("pk", flat=True))

    def come(self, project: str | None = None) -> str:
        """Import the old site; return what is printed."""
        out = io.StringIO()
        call_command("import_old", str(self.file), project=project, stdout=out)
        return out.getvalue()

    def refused(self, project: str | None = None) -> str:
        """Why it is not imported: one sentence, and nothing has come."""
        with self.assertRaises(SetupError) as caught:
            self.come(project)
        sentence = str(caught.exception)
        self.assertTrue(sentence.endswith(".") and sentence.count("\n") == 0, sentence)
        return sentence

    def capture(self, name: str) -> CaptureRecord:
        """A capture that has come."""
        return CaptureRecord.objects.exclude(pk__in=self.mine).get(name=name)

    def came(self) -> list[CaptureRecord]:
        """All captures that have come."""
        return list(CaptureRecord.objects.exclude(pk__in=self.mine).order_by("pk"))

    def history(self, capture: CaptureRecord) -> list[HistoryEntry]:
        """What is known of a capture, the oldest first."""
        rows = HistoryEntry.objects.filter(subject=Concerned.CAPTURE, subject_number=capture.pk)
        return list(rows.order_by("pk"))
