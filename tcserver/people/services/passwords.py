"""To have a person choose a password, by a link that works once, or by the one before."""

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.db import transaction
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from tcserver.history.acts import Act
from tcserver.history.models import Concerned, note
from tcserver.people.askers import NotFound
from tcserver.people.models import User


class LinkSigner(PasswordResetTokenGenerator):
    """
    Signs links by which a person chooses a password.

    A link is over when the password was changed, the person has logged in or became inactive, or
    PASSWORD_RESET_TIMEOUT has gone by; nothing of it is stored.
    """

    key_salt = "tcserver.people.links"

    def _make_hash_value(self, user: User, timestamp: int) -> str:
        return f"{super()._make_hash_value(user, timestamp)}{user.is_active}"


LINKS = LinkSigner()


def make_link(person_id: int, act: Act) -> tuple[str, str]:
    """
    Return the two parts of a link by which the person chooses a password.  Who has none yet has
    this link alone: an earlier one is over.  Raises NotFound, also for who is inactive.
    """
    with transaction.atomic():
        person = User.objects.select_for_update().filter(pk=person_id, is_active=True).first()
        if person is None:
            raise NotFound
        if not person.has_usable_password():
            person.set_unusable_password()
            person.save(update_fields=["password"])
        note_link(person, act)
        return link_of(person)


def link_of(person: User) -> tuple[str, str]:
    """Return the two parts of a link by which the person chooses a password."""
    return urlsafe_base64_encode(force_bytes(person.pk)), LINKS.make_token(person)


def note_link(person: User, act: Act) -> None:
    """Note in the history that there is such a link."""
    note(act, "link made", _subject(person), None, {})


def choose_password(person: User, password: str, act: Act) -> None:
    """Have a person, who has shown the right to, log in by this password from now on."""
    with transaction.atomic():
        person.set_password(password)
        person.save(update_fields=["password"])
        note(act, "password chosen", _subject(person), None, {})


def _subject(person: User) -> tuple[Concerned, int, str]:
    return Concerned.PERSON, person.pk, person.username
