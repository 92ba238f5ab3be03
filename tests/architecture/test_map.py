"""docs/architecture.md cannot lie: its picture and list are drawn, its links lead somewhere."""

import re
import sys
from pathlib import Path

from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.marks import Need, needs

ROOT = Path(__file__).parents[2]
MAP = ROOT / "docs" / "architecture.md"


@needs(Need.PROCESSES)
class DrawnTests(TestCase):
    async def test_the_picture_is_that_of_the_imports(self) -> None:
        """`python -m tests.architecture.picture --write` draws it anew."""
        out, errors, status = await getProcessOutputAndValue(
            sys.executable,
            ["-m", "tests.architecture.picture"],
            {"PYTHONPATH": str(ROOT)},
            str(ROOT),
        )
        self.assertEqual(status, 0, errors.decode())
        self.assertEqual(out.decode(), MAP.read_text())


class LinkTests(SynchronousTestCase):
    def test_they_lead_to_files_that_have_what_they_name(self) -> None:
        """A link whose text is a class or a method leads to the file where that is defined."""
        links = re.findall(r"\[`?([^\]`]+)`?\]\(([^)#]+)\)", MAP.read_text())
        self.assertGreater(len(links), 60)
        for text, target in links:
            path = (MAP.parent / target).resolve()
            self.assertTrue(path.exists(), target)
            if re.fullmatch(r"[A-Z]\w+(\.\w+)?", text):
                for name in text.split("."):
                    found = re.search(rf"\b(class|def) {name}\b", path.read_text())
                    self.assertIsNotNone(found, (name, target))
