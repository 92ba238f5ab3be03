"""
The alerts of an installation: what looks, tells and delivers, in each process that does so.

Any number of processes may: each change and each delivery is claimed by one of them.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar
from uuid import uuid4

import attrs
from django.conf import settings
from django.utils import timezone

from tcserver.alerts.asking import EVERYWHERE, ask
from tcserver.alerts.deliveries import DeliveryFailed, OutgoingMessage
from tcserver.alerts.mail import letter, send_mail
from tcserver.alerts.models import ChannelKind
from tcserver.alerts.sending import Sender
from tcserver.alerts.services.deliver import deliver_some
from tcserver.alerts.services.digest import send_digests
from tcserver.alerts.services.forget import forget_some
from tcserver.alerts.services.look import look, verdicts
from tcserver.alertsettings import AlertSettings, MailServer
from tcserver.people.services.resets import mail_links
from tcserver.working import Work

log = logging.getLogger(__name__)

LOOKS = timedelta(seconds=10)
BEATS = timedelta(minutes=1)
FORGETS = timedelta(hours=1)


@attrs.define
class Alerting(Work):
    """The alerts as one process does them; `site` is the origin of the website, "" for none."""

    settings: AlertSettings
    site: str
    send: Callable[[OutgoingMessage], None]
    wall: Callable[[], datetime] = timezone.now
    title: ClassVar[str] = "The alerts"
    _look: datetime | None = None
    _beat: datetime | None = None
    _forget: datetime | None = None
    _unheard: bool = False

    def turn(self, now: datetime) -> bool:
        """Do what is due.  Return whether there is more to do at once."""
        if _is_due(self._look, now):
            look(verdicts(self.settings.longest_gap, now), now, self.site)
            send_digests(now, self.site)
            self._look = now + LOOKS
        more = deliver_some(self.send, self.wall) > 0
        if _is_due(self._forget, now):
            gone = forget_some(now, self.settings.keep)
            self._forget = now if gone else now + FORGETS
            more = more or gone > 0
        if self.settings.mail is not None and self.site:
            mail_links(partial(self._mail, self.settings.mail), self.site, now)
        if self.settings.heartbeat is not None and _is_due(self._beat, now):
            self._tell_alive(self.settings.heartbeat)
            self._beat = now + BEATS
        return more

    def end(self, now: datetime) -> None:
        """Nothing is held that others wait for."""

    def _mail(self, server: MailServer, to: str, title: str, text: str) -> bool:
        """Mail a link; that this fails is said, without it.  Return whether it was taken."""
        message = OutgoingMessage(uuid4(), ChannelKind.EMAIL, to, "", title, text, {})
        try:
            send_mail(server, letter(self.settings.sender, message, self.wall()))
        except DeliveryFailed as e:
            log.warning("A link to choose a password could not be mailed: %s", e)
            return False
        return True

    def _tell_alive(self, url: str) -> None:
        """Ask the dead-man's switch; that this fails is said once."""
        try:
            ask(url, "GET", {}, None, EVERYWHERE)
        except DeliveryFailed as e:
            if not self._unheard:
                log.warning("ALERT_HEARTBEAT_URL is not reached: %s", e)
            self._unheard = True
        else:
            if self._unheard:
                log.info("ALERT_HEARTBEAT_URL is reached again.")
            self._unheard = False


def alerting() -> Alerting:
    """Return the alerts of this installation."""
    environment = settings.ENVIRONMENT
    sender = Sender(environment.alerts, settings.TOKEN_KEY, timezone.now)
    return Alerting(environment.alerts, environment.origin or "", sender)


def _is_due(at: datetime | None, now: datetime) -> bool:
    """Return whether something is due, also where the clock was set back."""
    return at is None or not now < at <= now + FORGETS
