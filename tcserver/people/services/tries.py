"""
How often somebody may try to log in: few times by one name from one place, more by all names.

A try is counted before the password is looked at, so that many at once are as few as one after the
other, and taken back when it was right.  Nobody can lock out a person who is elsewhere.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from tcserver.addresses import neighbourhood
from tcserver.people.models import LoginTries

WINDOW = timedelta(minutes=15)
"""From the first try on; then the count begins anew."""
BY_NAME = 10
BY_PLACE = 100
"""Most tries in a window from one place: by one name, and by all names together."""
MAILS = 3
MAILS_BY_PLACE = 10
"""Most links in a window that are asked for: for one address, and from one place."""


def may_try(name: str, address: str, now: datetime) -> bool:
    """Count a try to log in by a name from an address; return whether it may be made."""
    with transaction.atomic():
        LoginTries.objects.filter(since__lte=now - WINDOW).delete()
        place, person = _keys(name, address)
        if not _counted(place, BY_PLACE, now):
            return False
        if not _counted(person, BY_NAME, now):
            # Who tries one name for ever does not use up what others there have.
            _take_back(place)
            return False
        return True


def may_ask_for_mail(receiver: str, address: str, now: datetime) -> bool:
    """Count a link that somebody at an address asks for; return whether it may be mailed."""
    with transaction.atomic():
        LoginTries.objects.filter(since__lte=now - WINDOW).delete()
        place = _hash(f"mail from\n{neighbourhood(address)}")
        to = _hash(f"mail to\n{receiver.lower()}")
        return _counted(place, MAILS_BY_PLACE, now) and _counted(to, MAILS, now)


def was_right(name: str, address: str) -> None:
    """Take back the counts of a try by which somebody has logged in."""
    place, person = _keys(name, address)
    with transaction.atomic():
        _take_back(place)
        LoginTries.objects.filter(key=person).delete()


def _counted(key: str, most: int, now: datetime) -> bool:
    """Count one try more, unless there were `most` already; return whether it is counted."""
    LoginTries.objects.get_or_create(key=key, defaults={"since": now, "tries": 0})
    fewer = LoginTries.objects.filter(key=key, tries__lt=most)
    return fewer.update(tries=F("tries") + 1) == 1


def _take_back(key: str) -> None:
    LoginTries.objects.filter(key=key, tries__gt=0).update(tries=F("tries") - 1)


def _keys(name: str, address: str) -> tuple[str, str]:
    """
    Return the keys of a place, and of a name there.  They are keyed hashes: what is typed as a name
    may be a password.
    """
    place = neighbourhood(address)
    return _hash(place), _hash(f"{place}\n{name}")


def _hash(text: str) -> str:
    key: str = settings.SECRET_KEY
    return hmac.new(key.encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
