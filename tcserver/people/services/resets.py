"""
To have a person who has forgotten the password choose another one, by a link that is mailed.

Whoever asks learns nothing of whether there is such a person: the mail is sent later, by whichever
process sends alerts.  Knows no mail server.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from tcserver.history.acts import by_server
from tcserver.people.models import LinkRequest, User
from tcserver.people.services.passwords import link_of, note_link

PATIENCE = timedelta(hours=1)
"""For how long a mail that is not taken is tried again, each AGAIN."""
AGAIN = timedelta(minutes=5)


def ask_for_link(person: User, now: datetime) -> None:
    """Have a link be mailed to a person; who waits for one already gets that."""
    with transaction.atomic():
        times = {"asked_at": now, "due_at": now}
        _, made = LinkRequest.objects.get_or_create(person=person, defaults=times)
        if made:
            note_link(person, by_server(now, "to be mailed: the password was said to be forgotten"))


def mail_links(send: Callable[[str, str, str], bool], site: str, now: datetime) -> None:
    """
    Mail the links that are due, each by one of many processes.  `send` is given address, title and
    text, and returns whether the mail was taken; `site` is the origin of the website.
    """
    LinkRequest.objects.filter(asked_at__lte=now - PATIENCE).delete()
    due = LinkRequest.objects.filter(due_at__lte=now, person__is_active=True)
    for row in due.select_related("person"):
        rows = LinkRequest.objects.filter(pk=row.pk)
        mine = rows.filter(due_at=row.due_at).update(due_at=now + AGAIN) == 1
        if mine and send(row.person.email, *_letter(row.person, site)):
            rows.delete()


def _letter(person: User, site: str) -> tuple[str, str]:
    """Return title and text."""
    days = settings.PASSWORD_RESET_TIMEOUT // 86_400
    link = f"{site}{reverse('choose_password', args=link_of(person))}"
    text = (
        f"Somebody has asked at {site} for another password of {person.username}. If it was you, "
        f"choose one here:\n\n{link}\n\nThis works "
        f"once, and for {days} days. If it was not you, do nothing: your password is as it was.\n"
    )
    return f"Another password for {person.username}", text
