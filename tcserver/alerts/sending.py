"""Sends a message by the way of its channel."""

from collections.abc import Callable
from datetime import datetime

import attrs

from tcserver.alerts.asking import ask
from tcserver.alerts.deliveries import DeliveryFailed, OutgoingMessage
from tcserver.alerts.mail import letter, send_mail
from tcserver.alerts.models import ChannelKind
from tcserver.alerts.webhooks import body_of, key_of, signed
from tcserver.alertsettings import AlertSettings

NO_MAIL = "no mail is set up here: EMAIL_URL is not set"


@attrs.frozen
class Sender:
    """Knows the settings, and the secret of which webhooks' keys are made."""

    settings: AlertSettings
    secret: str = attrs.field(repr=False)
    wall: Callable[[], datetime]

    def __call__(self, message: OutgoingMessage) -> None:
        """Send it.  Raises DeliveryFailed."""
        now = self.wall()
        if message.kind == ChannelKind.WEBHOOK:
            body = body_of(message)
            headers = signed(message, body, key_of(self.secret, message.salt), now)
            ask(message.target, "POST", headers, body, self.settings.allowed)
        elif self.settings.mail is None:
            raise DeliveryFailed(NO_MAIL)
        else:
            send_mail(self.settings.mail, letter(self.settings.sender, message, now))
