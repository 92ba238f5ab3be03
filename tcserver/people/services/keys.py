"""To give a person a key for scripts, and to revoke one."""

from datetime import datetime, timedelta

from django.db import transaction

from tcserver.history.acts import Act
from tcserver.history.models import Concerned, note
from tcserver.people.askers import NotFound
from tcserver.people.models import ApiKey, User
from tcserver.people.tokens import PREFIX, digest, new_token

OFTEN = timedelta(minutes=1)
"""The last use of a key is noted as often as this."""


def issue_key(
    person: User,
    name: str,
    act: Act,
    *,
    may_write: bool,
    expires: datetime | None = None,
    key: str = "",
) -> str:
    """Return a new key, which is kept nowhere, or have `key` be one."""
    key = key or new_token()
    with transaction.atomic():
        made = ApiKey.objects.create(
            person=person,
            name=name,
            prefix=key[:PREFIX],
            digest=digest(key),
            may_write=may_write,
            created_at=act.at,
            expires_at=expires,
        )
        changes: dict[str, tuple[None, object]] = {
            "prefix": (None, made.prefix),
            "may write": (None, may_write),
        }
        if expires is not None:
            changes["expires"] = (None, expires)
        note(act, "key issued", (Concerned.KEY, made.pk, name), None, changes)
    return key


def revoke_key(key_id: int, act: Act) -> None:
    """Have a key open nothing any more.  Raises NotFound."""
    with transaction.atomic():
        key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
        if key is None:
            raise NotFound
        if key.revoked_at is None:
            ApiKey.objects.filter(pk=key_id).update(revoked_at=act.at)
            note(act, "key revoked", (Concerned.KEY, key.pk, key.name), None, {})


def note_use(key: ApiKey, now: datetime) -> None:
    """Note that a key was used."""
    if key.last_used_at is None or now - key.last_used_at >= OFTEN:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
