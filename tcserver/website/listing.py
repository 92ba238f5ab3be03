"""The list of captures: which are shown, in which order, and how it is asked for another way."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import attrs
from django.core.paginator import Page, Paginator
from django.db.models import Max, Q, QuerySet
from django.http import QueryDict

from tcaccount.subject import Share
from tcserver.accounts.coverage import YOUNG, covered
from tcserver.captures.models import CaptureRecord
from tcserver.website.asking import Visit
from tcserver.website.showing import Shown, rate_of, state_of
from tcserver.website.sparks import Spark, sparks

ON_A_PAGE = 50
ARCHIVE = "archive"


@attrs.frozen
class CaptureRow:
    """A capture of the list, with how it is doing."""

    capture: CaptureRecord
    state: Shown
    posts: int | None
    contact_at: datetime | None


@attrs.frozen
class CaptureGlance(CaptureRow):
    """A row as it is drawn, with what is asked for those of one page only."""

    rate: str
    spark: Spark | None
    coverage: str


_SEVERITY = {"bad": 0, "busy": 1, "good": 2, "idle": 3, "away": 4}
SHOWS: dict[str, tuple[str, Callable[[CaptureRow], bool]]] = {
    "all": ("All", lambda row: True),
    "attention": ("Need attention", lambda row: row.state.needs_attention),
    "running": ("Running", lambda row: row.state.word == "running"),
    "idle": ("Not running", lambda row: row.state.style == "idle"),
}
SORTS: dict[str, tuple[str, Callable[[CaptureRow], Any], bool]] = {
    "name": ("Name", lambda row: row.capture.name.lower(), False),
    "state": ("State", lambda row: _SEVERITY[row.state.style], False),
    "posts": ("Posts", lambda row: row.posts or 0, True),
    "rate": ("Last 24 h", lambda row: row.capture.rate or 0, True),
    "today": ("Covered today", lambda row: 0, True),
    "client": ("Client", lambda row: row.capture.client.name if row.capture.client else "", False),
}
"""The columns: words, what they are sorted by, and whether the most comes first."""


@attrs.frozen
class CaptureListing:
    """
    What of the list is asked for: `show` is one of SHOWS or the archive, `sort` one of SORTS, and
    `text` stands in a name or in keywords.
    """

    rows: list[CaptureRow]
    show: str
    sort: str
    text: str
    number: str | None

    @classmethod
    def of(cls, visit: Visit) -> "CaptureListing":
        """Return the list as a visit asks for it; what it asks wrongly is passed over."""
        asked: QueryDict = visit.request.GET
        show, sort = asked.get("show", "all"), asked.get("sort", "name")
        show = show if show in SHOWS or show == ARCHIVE else "all"
        sort = sort if sort in SORTS and sort != "today" else "name"
        text = asked.get("q", "").strip()[:64]
        rows = _visible(visit, show == ARCHIVE, text)
        return cls(list(_rows(rows, visit)), show, sort, text, asked.get("page"))

    @property
    def archived(self) -> bool:
        """Whether the archive is shown."""
        return self.show == ARCHIVE

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing, however it is asked for."""
        return not self.rows and not self.text

    @property
    def sorted_by(self) -> str:
        """The order in words."""
        return f"by {SORTS[self.sort][0].lower()}"

    def page(self) -> "Page[CaptureRow]":
        """Return the page of rows that is asked for, or the nearest that there is."""
        _, belongs = SHOWS.get(self.show, SHOWS["all"])
        _, key, most_first = SORTS[self.sort]
        found = sorted((row for row in self.rows if belongs(row)), key=key, reverse=most_first)
        return Paginator(found, ON_A_PAGE).get_page(self.number)

    def tabs(self) -> Iterator[dict[str, object]]:
        """Yield the parts of the list, each with how many rows it has."""
        for name, (words, belongs) in SHOWS.items():
            count = None if self.archived else sum(map(belongs, self.rows))
            yield self._tab(name, words, count)
        yield self._tab(ARCHIVE, "Archive", len(self.rows) if self.archived else None)

    def columns(self) -> Iterator[dict[str, object]]:
        """Yield the heads of the columns."""
        for name, (words, _, most_first) in SORTS.items():
            direction = "descending" if most_first else "ascending"
            yield {
                "name": name,
                "words": words,
                "is_number": name in ("posts", "today"),
                "address": "" if name == "today" else self._address(sort=name),
                "direction": direction if name == self.sort else "",
            }

    def _tab(self, name: str, words: str, count: int | None) -> dict[str, object]:
        address, is_here = self._address(show=name), name == self.show
        return {
            "name": name,
            "words": words,
            "count": count,
            "address": address,
            "is_here": is_here,
        }

    def _address(self, **other: str) -> str:
        asked = {"show": self.show, "sort": self.sort, "q": self.text} | other
        return f"?{urlencode({name: value for name, value in asked.items() if value})}"


def full(rows: "Page[CaptureRow]", visit: Visit) -> list[CaptureGlance]:
    """Return rows with pictures and today's coverage."""
    captures = [row.capture for row in rows]
    midnight = visit.now.replace(hour=0, minute=0, second=0, microsecond=0)
    today = covered(captures, midnight.timestamp(), visit.now.timestamp())
    pictures = sparks(captures, visit.now)
    return [
        CaptureGlance(
            row.capture,
            row.state,
            row.posts,
            row.contact_at,
            rate_of(row.capture),
            pictures.get(row.capture.pk),
            _words(today.get(row.capture.pk)),
        )
        for row in rows
    ]


def _words(share: Share | None) -> str:
    """Return how much is covered; "" where hardly anything was wanted or nobody tells."""
    return share.covered if share is not None and share.wanted >= YOUNG else ""


def _visible(visit: Visit, archived: bool, text: str) -> "QuerySet[CaptureRecord]":
    """Return the captures that a person may see, with `contact_at`."""
    rows = CaptureRecord.objects.filter(deleted_at=None).select_related("client")
    if not visit.person.administrator:
        rows = rows.filter(project__in=visit.person.roles)
    rows = rows.exclude(archived_at=None) if archived else rows.filter(archived_at=None)
    if text:
        rows = rows.filter(Q(name__icontains=text) | Q(keywords__icontains=text))
    return rows.annotate(contact_at=Max("client__tokens__contact_at")).order_by("name")


def _rows(rows: "QuerySet[CaptureRecord]", visit: Visit) -> Iterator[CaptureRow]:
    for row in rows:
        contact = row.contact_at  # type: ignore[attr-defined]  # annotated
        yield CaptureRow(row, state_of(row, contact, visit.now), row.complete_total, contact)
