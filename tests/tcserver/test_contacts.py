"""Signs of life: each client's is noted every few seconds, by as few statements as may be."""

from datetime import timedelta
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tcserver.fleet.models import Client, Token
from tcserver.fleet.services.contact import OFTEN, Contacts
from tcserver.people.tokens import digest
from tests.tcserver.case import DatabaseCase
from tests.tcserver.world import START

LATER = OFTEN * 2


class ContactsTests(DatabaseCase):
    def setUp(self) -> None:
        super().setUp()
        self.contacts = Contacts()
        self.hashed = digest(self.world.token)
        self.token = Token.objects.get(digest=self.hashed)
        self.client = (self.token.pk, self.world.client.pk, "client1")

    def come(self, after: timedelta, *, writes: bool, hashed: str | None = None) -> Any:
        """What is known of a token that is shown so long after START."""
        shown = self.hashed if hashed is None else hashed
        return self.contacts.come(shown, START + after, "192.0.2.1", "tcc/2", writes=writes)

    def noted(self) -> Any:
        """How long after START the token's contact is noted."""
        at = Token.objects.get(pk=self.token.pk).contact_at
        return None if at is None else at - START

    def test_a_write_of_one_that_is_new_here(self) -> None:
        """One statement finds the token and notes all of the contact."""
        with CaptureQueriesContext(connection) as asked:
            self.assertEqual(self.come(LATER, writes=True), self.client)
        self.assertEqual(len(asked), 1)
        self.assertEqual(self.noted(), LATER)
        row = Token.objects.get(pk=self.token.pk)
        self.assertEqual((row.contact_address, row.contact_agent), ("192.0.2.1", "tcc/2"))

    def test_a_poll_of_one_that_is_new_here(self) -> None:
        """It is looked at first: nothing is locked for a token that is none."""
        self.assertIsNone(self.come(LATER, writes=False))
        self.assertIsNone(self.noted())

    def test_one_that_was_here(self) -> None:
        """Whatever it asks, it is noted when that is due; also after a step back."""
        for after, due in [
            (timedelta(), True),
            (OFTEN * 0.9, False),
            (OFTEN, True),
            (OFTEN * 1.9, False),
            (-LATER, True),
        ]:
            before = self.noted()
            for writes in (False, True):
                found = self.come(after, writes=writes or before is None)
                due_now = due and not writes
                self.assertEqual(found, self.client if due_now else None, after)
            self.assertEqual(self.noted(), after if due else before)

    def test_one_that_another_process_has_noted(self) -> None:
        """It is not noted again for having been looked at."""
        self.contacts.note(self.hashed, START, START + OFTEN * 0.5, "", "")
        self.assertIsNone(self.noted())
        self.contacts.note(self.hashed, START, START + OFTEN, "", "")
        self.assertEqual(self.noted(), OFTEN)

    def test_one_that_is_not_valid_any_more(self) -> None:
        """Nothing is noted of a token that was revoked, is over, or is a retired client's."""
        self.come(timedelta(), writes=True)
        rows, late = Token.objects.filter(pk=self.token.pk), START + LATER
        for changed in ({"revoked_at": START}, {"expires_at": late}):
            rows.update(**changed)
            self.assertIsNone(self.come(LATER, writes=True))
            rows.update(revoked_at=None, expires_at=None)
        Client.objects.filter(pk=self.world.client.pk).update(retired_at=START)
        self.assertIsNone(self.come(LATER, writes=True))
        self.assertIsNone(self.come(LATER, writes=True, hashed=digest("nobody's")))
        self.assertEqual(self.noted(), timedelta())

    def test_many(self) -> None:
        """Of those that were here first nothing is known any more; they are noted as ever."""
        self.contacts = Contacts(most=1)
        self.come(timedelta(), writes=True)
        self.come(timedelta(), writes=True, hashed=digest(self.world.strange_token))
        self.assertIsNone(self.come(LATER, writes=False))
        self.assertEqual(self.come(LATER, writes=True), self.client)
