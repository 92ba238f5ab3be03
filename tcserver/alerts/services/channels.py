"""To make a channel, to switch it off and on, to change its key, to try it, to remove it."""

import secrets
from typing import Any
from urllib.parse import urlsplit

import attrs
from django.db import transaction

from tcserver.alerts.digests import next_digest
from tcserver.alerts.models import AlertChannel, ChannelKind, DeliveryState
from tcserver.alerts.services.tell import tell
from tcserver.alerts.wording import switched_off, trial
from tcserver.history.acts import Act, Party
from tcserver.history.models import Concerned, note
from tcserver.people.askers import NotFound


@attrs.frozen
class NewChannel:
    """What a channel is to be: its kind and target, whether each change goes there, a digest."""

    kind: str
    target: str
    at_once: bool
    digest: str


def shown(channel: AlertChannel) -> str:
    """Return where a channel leads, without what may be a secret: of a URL its origin alone."""
    if channel.kind == ChannelKind.EMAIL:
        return channel.target
    parts = urlsplit(channel.target)
    return f"{parts.scheme}://{parts.netloc}/…"


def create_channel(new: NewChannel, act: Act) -> AlertChannel:
    """Make a channel."""
    with transaction.atomic():
        made = AlertChannel.objects.create(
            kind=new.kind,
            target=new.target,
            salt=secrets.token_hex(16),
            at_once=new.at_once,
            digest=new.digest,
            digest_at=next_digest(new.digest, act.at),
            created_at=act.at,
            created_by_id=act.number if act.party == Party.PERSON else None,
        )
        changes: dict[str, tuple[None, object]] = {
            "kind": (None, new.kind),
            "at once": (None, new.at_once),
            "digest": (None, new.digest),
        }
        _note(act, "created", made, changes)
        return made


def switch_off(channel_id: int, reason: str, act: Act) -> None:
    """
    Have nothing go there any more, and what waits be given up; the other channels are told, if it
    was not a person who did so.  Raises NotFound.
    """
    with transaction.atomic():
        channel = _locked(channel_id)
        if channel.off_since is not None:
            return
        reason = reason[:300]
        AlertChannel.objects.filter(pk=channel_id).update(off_since=act.at, off_reason=reason)
        waiting = channel.notifications.filter(state=DeliveryState.WAITING)
        waiting.update(state=DeliveryState.FAILED, due_at=None)
        _note(act, "switched off", channel, {"on": (True, False), "reason": (None, reason)})
        if act.party == Party.SERVER:
            others = AlertChannel.objects.exclude(pk=channel_id)
            tell(others, switched_off(shown(channel), reason, ""), act.at)


def switch_on(channel_id: int, act: Act) -> None:
    """Have messages go there again, from here on.  Raises NotFound."""
    with transaction.atomic():
        channel = _locked(channel_id)
        if channel.off_since is not None:
            digest_at = next_digest(channel.digest, act.at)
            AlertChannel.objects.filter(pk=channel_id).update(
                off_since=None, off_reason="", failures=0, digest_at=digest_at
            )
            _note(act, "switched on", channel, {"on": (False, True)})


def change_key(channel_id: int, act: Act) -> AlertChannel:
    """Have webhooks be signed with another key.  Return the channel; raises NotFound."""
    with transaction.atomic():
        channel = _locked(channel_id)
        channel.salt = secrets.token_hex(16)
        AlertChannel.objects.filter(pk=channel_id).update(salt=channel.salt)
        _note(act, "key changed", channel, {})
    return channel


def send_trial(channel_id: int, site: str, act: Act) -> None:
    """Have a test message go there.  Raises NotFound."""
    with transaction.atomic():
        channel = _locked(channel_id)
        tell(AlertChannel.objects.filter(pk=channel_id), trial(site), act.at)
        _note(act, "tested", channel, {})


def remove_channel(channel_id: int, act: Act) -> None:
    """Remove a channel with its deliveries.  Raises NotFound."""
    with transaction.atomic():
        channel = _locked(channel_id)
        _note(act, "removed", channel, {})
        channel.delete()


def _locked(channel_id: int) -> AlertChannel:
    channel = AlertChannel.objects.select_for_update().filter(pk=channel_id).first()
    if channel is None:
        raise NotFound
    return channel


def _note(act: Act, name: str, channel: AlertChannel, changes: dict[str, tuple[Any, Any]]) -> None:
    note(act, name, (Concerned.CHANNEL, channel.pk, shown(channel)[:150]), None, changes)
