"""What a check of an installation finds of how it tells people: mail, and channels."""

from django.db.backends.base.base import BaseDatabaseWrapper

from tcserver.alerts.deliveries import DeliveryFailed
from tcserver.alerts.mail import try_mail
from tcserver.alertsettings import EMAIL, AlertSettings
from tcserver.management.findings import CheckLine, problem, warning, well

_CHANNELS = """
SELECT COUNT(*), COALESCE(SUM(CASE WHEN off_since IS NULL THEN 0 ELSE 1 END), 0),
COALESCE(SUM(CASE WHEN kind = 'email' AND off_since IS NULL THEN 1 ELSE 0 END), 0)
FROM alerts_alertchannel
"""


def of_mail(settings: AlertSettings) -> CheckLine:
    """Return whether the mail server lets this one in; nothing is sent."""
    if settings.mail is None:
        return warning("mail", f"{EMAIL} is not set: messages go to webhooks alone.")
    try:
        try_mail(settings.mail)
    except DeliveryFailed as e:
        return problem("mail", f"{settings.mail.host} port {settings.mail.port}: {e}.")
    return well(
        "mail", f"{settings.mail.host} lets this server in, which writes as {settings.sender}."
    )


def of_channels(connection: BaseDatabaseWrapper, settings: AlertSettings) -> CheckLine:
    """Return whether anybody is told when something is wrong."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANNELS)
        count, off, mails = cursor.fetchone()
    if count == off:
        return warning("alerts", "nobody is told of what is wrong: make a channel, on Alerts.")
    if mails and settings.mail is None:
        return problem("alerts", f"a channel is an e-mail address, and {EMAIL} is not set.")
    if off:
        return warning("alerts", f"{off} of {count} channels are switched off: see Alerts.")
    return well("alerts", f"{count} channel{'s' if count > 1 else ''}.")
