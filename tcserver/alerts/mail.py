"""
To hand a message to a mail server.

Plain text alone: what clients and people have written is shown as it stands, and runs nowhere.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from tcserver.alerts.deliveries import DeliveryFailed, OutgoingMessage
from tcserver.alerts.wording import plain
from tcserver.alertsettings import MailServer

PATIENCE = 15.0
"""Seconds in which a mail server answers each command."""


def letter(sender: str, message: OutgoingMessage, at: datetime) -> EmailMessage:
    """Return the mail; it has the same Message-ID at each attempt."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = sender, message.target
    mail["Subject"] = plain(message.title)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{message.number}@{sender.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text)
    return mail


def send_mail(server: MailServer, mail: EmailMessage) -> None:
    """Hand it over.  Raises DeliveryFailed."""
    with _logged_in(server) as connection:
        connection.send_message(mail)


def try_mail(server: MailServer) -> None:
    """Log in, and send nothing.  Raises DeliveryFailed."""
    with _logged_in(server) as connection:
        connection.noop()


@contextmanager
def _logged_in(server: MailServer) -> Iterator[smtplib.SMTP]:
    """Give a connection; what goes wrong becomes DeliveryFailed."""
    try:
        with _connected(server) as connection:
            if server.user:
                connection.login(server.user, server.password)
            yield connection
    except smtplib.SMTPRecipientsRefused as e:
        [(code, said), *_] = e.recipients.values()
        raise DeliveryFailed(_said(code, said)) from e
    except smtplib.SMTPResponseException as e:
        raise DeliveryFailed(_said(e.smtp_code, e.smtp_error)) from e
    except (OSError, smtplib.SMTPException, ValueError) as e:
        raise DeliveryFailed(f"the mail server cannot be used: {plain(str(e), 200)}") from e


def _connected(server: MailServer) -> smtplib.SMTP:
    """Return a connection, encrypted as the settings want it."""
    context = ssl.create_default_context()
    if server.security == "smtps":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=PATIENCE, context=context)
    connection = smtplib.SMTP(server.host, server.port, timeout=PATIENCE)
    try:
        if server.security == "smtp+tls":
            connection.starttls(context=context)
    except BaseException:
        connection.close()
        raise
    return connection


def _said(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"the mail server said {code} {plain(words, 200)}"
