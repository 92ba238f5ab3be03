"""The tables of the database are those of the models."""

from io import StringIO

from django.core.management import call_command

from tests.tcserver.case import DatabaseCase


class MigrationTests(DatabaseCase):
    def test_none_is_missing(self) -> None:
        """A change of a model brings its migration along, on each Django."""
        said = StringIO()
        call_command("makemigrations", check=True, dry_run=True, stdout=said)
        self.assertIn("No changes detected", said.getvalue())
