"""How pages write times and numbers: in UTC, of which the browser makes the reader's zone."""

from datetime import UTC, datetime
from html import unescape
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from tcserver.website.showing import rough

register = template.Library()
PLANNED = ("planned_start", "planned_stop")


@register.filter
def when(at: datetime | float | None, precise: str = "") -> SafeString | str:
    """Return a time to the minute, to the second where `precise` is given; "" for none."""
    if at is None:
        return ""
    at = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    text = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return _element(at, f"{text if precise else text[:-3]} UTC", "1" if precise else "0")


@register.simple_tag
def ago(at: datetime | None, now: datetime) -> SafeString | str:
    """Return how long ago a time was, with the time itself at hand; "never" for none."""
    if at is None:
        return "never"
    return _element(at, f"{rough((now - at).total_seconds())} ago")


@register.filter
def words(member: str) -> str:
    """Return the name of a member that history has, as people write it."""
    return member.replace("_", " ")


@register.filter
def told(value: Any, member: str) -> Any:
    """Return what history has of a member, as pages write it; it has times as texts."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return when(datetime.fromisoformat(value)) if member in PLANNED else value


@register.filter
def grouped(number: int | None) -> str:
    """Return a number with a comma for each thousand; "" for none."""
    return "" if number is None else f"{number:,}"


@register.filter
def plain(text: str) -> str:
    """Return the text of a post as people read it: X sends &, < and > as HTML writes them."""
    return unescape(text)


def _element(at: datetime, text: str, precise: str | None = None) -> SafeString:
    """
    Return the element of a time, which the browser writes anew: `precise` "1" or "0", or as the
    time that has passed since then.
    """
    iso = at.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC"{}>{}</time>',
        iso.isoformat(),
        iso.strftime("%Y-%m-%d %H:%M:%S"),
        format_html(' data-precise="{}"', precise) if precise else mark_safe(" data-ago"),
        text,
    )


@register.simple_tag(takes_context=True)
def tab(context: template.Context, name: str, words: str) -> SafeString:
    """Return the link of the navigation to a page; marked on that page and those below it."""
    address = reverse(name)
    request = context.get("request")
    here = request is not None and request.path.startswith(address)
    mark = mark_safe(' aria-current="page"') if here else ""
    return format_html('<a href="{}"{}>{}</a>', address, mark, words)
