"""What is told of an alert, in words for people and as members for programs.  Pure."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import attrs

from tcclient.health.health import Level
from tcserver.alerts.conditions import WORDS
from tcserver.alerts.turning import MOST_FLIPS, NewsKind

LONGEST_TITLE, LONGEST_TEXT = 150, 2000
MOST_LINES = 50
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+"
)


@attrs.frozen
class Told:
    """A message: its kind, a title of one line, a text, and its members for programs."""

    kind: str
    title: str
    text: str
    data: dict[str, Any]


@attrs.frozen
class AlertChange:
    """A change of an alert: whose, which, from what to what, since when it was seen so, and why."""

    kind: str
    subject: str
    number: int
    name: str
    old: str
    new: str
    since: datetime
    at: datetime
    reason: str


def plain(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return text on one line, without what moves or hides other text."""
    return _UNPRINTABLE.sub(" ", text).strip()[:longest]


def told(change: AlertChange, news: NewsKind, site: str) -> Told:
    """Return the message on a change; `site` is the origin of the website, "" where none is set."""
    what, name = WORDS[change.kind], plain(change.name, 64)
    head = {
        NewsKind.CHANGED: f"over: {what}" if change.new == Level.OK else f"{change.new}: {what}",
        NewsKind.FLAPPING: f"comes and goes: {what}",
        NewsKind.STEADY: f"steady again: {what}: {change.new}",
    }[news]
    address = f"{site}/{change.subject}s/{change.number}/" if site else ""
    since = f"Since {_when(change.since)}; it was {change.old} before."
    lines = [plain(change.reason), since if news == NewsKind.CHANGED else _EXPLAINED[news], address]
    data = {
        "alert": change.kind,
        "subject": change.subject,
        "number": change.number,
        "name": name,
        "old": change.old,
        "new": change.new,
        "since": change.since.isoformat(),
        "reason": plain(change.reason),
        "address": address,
    }
    title = plain(f"{name}: {head}", LONGEST_TITLE)
    return Told(f"alert.{news}", title, "\n".join(filter(None, lines)) + "\n", data)


_EXPLAINED = {
    NewsKind.FLAPPING: f"It has changed {MOST_FLIPS} times within an hour. Its changes are not "
    "told from here on, until there was none for an hour.",
    NewsKind.STEADY: "It has not changed for an hour. Its changes are told again.",
}


def digest(
    on: Sequence[tuple[str, str, str, datetime, str]], flips: int, since: datetime, site: str
) -> Told:
    """
    Return the summary since a time: `flips` changes, and what is wrong now, the worst first, as
    name, kind, state, since when and why.
    """
    lines = [
        f"- {plain(name, 64)}: {state}: {WORDS[kind]}, since {_when(at)}. {plain(reason, 300)}"
        for name, kind, state, at, reason in on[:MOST_LINES]
    ]
    more = [f"and {len(on) - MOST_LINES} more"] if len(on) > MOST_LINES else []
    head = f"{len(on)} wrong now" if on else "all is well"
    said = f"{flips} change{'' if flips == 1 else 's'} since {_when(since)}."
    text = "\n".join([said, "", *(lines or ["Nothing is wrong now."]), *more, *_link(site)]) + "\n"
    data = {"wrong": len(on), "changes": flips, "since": since.isoformat()}
    return Told("digest", f"Summary: {head}", text, data)


def switched_off(target: str, reason: str, site: str) -> Told:
    """Return the message that another channel is switched off."""
    text = "\n".join(
        [plain(reason), "Messages do not go there until it is switched on.", *_link(site)]
    )
    data = {"channel": plain(target), "reason": plain(reason)}
    title = plain(f"The channel {plain(target, 80)} is switched off", LONGEST_TITLE)
    return Told("channel.off", title, text + "\n", data)


def trial(site: str) -> Told:
    """Return a message that somebody has asked for, to see whether it comes."""
    text = "\n".join(["Messages on clients and captures will come like this one.", *_link(site)])
    return Told("test", "A test message", text + "\n", {})


def _link(site: str) -> list[str]:
    return [f"{site}/alerts/"] if site else []


def _when(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
