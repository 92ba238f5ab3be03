"""
What the environment says of alerts: how mail is sent, which webhooks may be asked.  Pure.

Knows the variables and the sentences with which they are refused; no password stands in these.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Literal, TypeVar
from urllib.parse import unquote, urlsplit

import attrs

from tcserver.addresses import Network

EMAIL, SENDER = "EMAIL_URL", "EMAIL_FROM"
HEARTBEAT, ALLOWED = "ALERT_HEARTBEAT_URL", "ALERT_ALLOWED_NETWORKS"
LONGEST_GAP, KEEP_ALERTS = "ALERT_GAP_MINUTES", "KEEP_ALERTS_DAYS"
MOST_MINUTES, MOST_DAYS = 10_080, 36_500
PORTS: Mapping[str, int] = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
ADDRESS = re.compile(r"[^\s@<>\",;:\\()\[\]\x00-\x1f\x7f-\x9f]{1,64}@[A-Za-z0-9.-]{1,255}")
"""An e-mail address as people write it: what could end a header or add a receiver is not in it."""
Read = TypeVar("Read")


class WrongAlertSetting(Exception):
    """Raised where a variable has something else; str() is one sentence."""


@attrs.frozen
class MailServer:
    """
    Who takes mail: `security` is "smtps" for TLS from the beginning, "smtp+tls" for STARTTLS, which
    is insisted on, or "smtp" for neither.
    """

    host: str
    port: int
    security: Literal["smtp", "smtp+tls", "smtps"]
    user: str = ""
    password: str = attrs.field(default="", repr=False)


@attrs.frozen
class AlertSettings:
    """
    `mail` takes messages from `sender`, None where no mail is set up; `heartbeat` is asked while
    alerts work; webhooks may be in the `allowed` networks, and in any public one.  A gap is told
    that is longer than `longest_gap`; what was is kept for `keep` days.
    """

    mail: MailServer | None = None
    sender: str = ""
    heartbeat: str | None = attrs.field(default=None, repr=False)
    allowed: tuple[Network, ...] = ()
    longest_gap: timedelta = timedelta(minutes=10)
    keep: int = 400


def read_alerts(environ: Mapping[str, str], host: str | None) -> AlertSettings:
    """Return what `environ` says of a site of this host.  Raises WrongAlertSetting."""

    def of(name: str, read: Callable[[str], Read], default: Read) -> Read:
        return read(environ[name]) if environ.get(name) else default

    return AlertSettings(
        of(EMAIL, _mail, None),
        of(SENDER, _sender, f"tcc@{host or 'localhost'}"),
        of(HEARTBEAT, _heartbeat, None),
        of(ALLOWED, _networks, ()),
        timedelta(minutes=of(LONGEST_GAP, _number(LONGEST_GAP, "minutes", MOST_MINUTES), 10)),
        of(KEEP_ALERTS, _number(KEEP_ALERTS, "days", MOST_DAYS), 400),
    )


def is_web_address(text: str) -> bool:
    """Return whether text is an http(s) address with a host and without a login, in ASCII."""
    try:
        parts = urlsplit(text)
        right = parts.scheme in ("http", "https") and parts.port != 0 and "@" not in parts.netloc
        return right and bool(parts.hostname) and re.fullmatch(r"[!-~]+", text) is not None
    except ValueError:
        return False


def _mail(text: str) -> MailServer | None:
    try:
        parts = urlsplit(text)
        right = parts.scheme in PORTS and parts.path in ("", "/")
        right = right and not (parts.query or parts.fragment)
        if right and parts.hostname and parts.port != 0:
            user, password = unquote(parts.username or ""), unquote(parts.password or "")
            port = parts.port or PORTS[parts.scheme]
            return MailServer(parts.hostname, port, parts.scheme, user, password)  # type: ignore[arg-type]  # one of PORTS
    except ValueError:
        pass
    raise WrongAlertSetting(
        f"{EMAIL} is the address of a mail server, as in smtp+tls://user:password@mail.example.org "
        "(smtps:// for TLS from the beginning, smtp:// without), found something else."
    )


def _sender(text: str) -> str:
    if ADDRESS.fullmatch(text):
        return text
    raise WrongAlertSetting(
        f"{SENDER} is the e-mail address that messages come from, as in tcc@example.org, "
        f"found {text!r}."
    )


def _heartbeat(text: str) -> str | None:
    if is_web_address(text):
        return text
    raise WrongAlertSetting(
        f"{HEARTBEAT} is an address that is asked each minute, as in https://hc.example.org/x, "
        "found something else."
    )


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(one.strip()) for one in text.split(",") if one.strip())
    except ValueError:
        raise WrongAlertSetting(
            f"{ALLOWED} has IP addresses or networks where webhooks may be, with commas between, "
            f"as in 10.1.0.0/16, found {text!r}."
        ) from None


def _number(name: str, unit: str, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if re.fullmatch("[0-9]{1,5}", text) and 1 <= int(text) <= most:
            return int(text)
        raise WrongAlertSetting(f"{name} is a number of {unit} from 1 to {most}, found {text!r}.")

    return read
