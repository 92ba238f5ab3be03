"""What X will be asked for a keyword text, term by term, while it is typed."""

from collections.abc import Iterator
from functools import lru_cache

import attrs
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST
from msgspec import structs

from tcclient.sources.advice import KeywordAdvice, TermAdvice, many_lines
from tcclient.sources.registry import advice
from tcserver.captures.models import CaptureRecord
from tcserver.captures.status import Wanted
from tcserver.fleet.listing import clients_for
from tcserver.website.asking import Visit, page

LONGEST = 65_536
"""Characters of a text that are looked at."""
SHOWN = 200
"""Terms that are shown."""
MOST_BESIDE = 1000
"""Other captures of a client that are looked at; each has a rule at least."""


@attrs.frozen
class BoxShape:
    """A rectangle on the map, on which one degree is one unit, and south is below."""

    x: float
    y: float
    width: float
    height: float
    words: str


@attrs.frozen
class RulesBeside:
    """The rules of the other captures of a client that have keywords and run."""

    client: str
    captures: int
    rules: int


@require_POST
@page
def keyword_advice(visit: Visit) -> HttpResponse:
    """The part of the form that says how the keywords are understood."""
    sent, own = visit.request.POST, visit.request.GET.get("capture", "")
    told = told_of(sent.get("keywords", ""), rules_beside(visit, sent.get("client"), own))
    return render(visit.request, "advice.html", {"advice": told})


def told_of(text: str | None, beside: RulesBeside | None = None) -> dict[str, object]:
    """Return what the form says of a keyword text; `beside` it are the rules of a client."""
    text = (text or "")[:LONGEST]
    newest, *others = [_sorted(one, text) for one in advice(text)]
    all_rules = len(newest.rules) + (0 if beside is None else beside.rules)
    return {
        "newest": newest,
        "others": others,
        "sample": not text.strip(),
        "many_lines": many_lines(text),
        "more": max(0, len(newest.terms) - SHOWN),
        "shown": f":{SHOWN}",
        "wrong": sum(bool(term.wrong) for term in newest.terms),
        "boxes": list(_boxes(newest.terms[:SHOWN])),
        "beside": beside,
        "all_rules": all_rules,
        "too_many": all_rules > newest.most_rules,
    }


def rules_beside(visit: Visit, client: object, own: object) -> RulesBeside | None:
    """
    Return the rules that a client has for its captures but the `own` one; None where no client is
    named that the person sees.
    """
    found = clients_for(visit.person).filter(pk=_row(client) or 0).first()
    if found is None:
        return None
    rows = CaptureRecord.objects.filter(
        client=found, wanted=Wanted.RUN, archived_at=None, deleted_at=None
    ).exclude(pk=_row(own) or 0)
    rows = rows.exclude(keywords=None).order_by("pk")
    found_texts = rows.values_list("keywords", flat=True)[:MOST_BESIDE]
    texts = [text for text in found_texts if text and text.strip()]
    return RulesBeside(found.name, len(texts), sum(map(_rules_for, texts)))


@lru_cache(maxsize=256)
def _rules_for(text: str | None) -> int:
    """Return how many rules an app has for a keyword text."""
    newest, *_ = advice((text or "")[:LONGEST])
    return len(newest.rules)


def _row(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _sorted(told: KeywordAdvice, text: str) -> KeywordAdvice:
    """Return the terms in the order in which they were typed, of which some are left out."""
    plain = " ".join(text.split())
    terms = sorted(told.terms, key=lambda one: plain.find(one.term))
    return structs.replace(told, terms=tuple(terms))


def _boxes(terms: tuple[TermAdvice, ...]) -> Iterator[BoxShape]:
    """Yield what is drawn for boxes; never less than can be seen."""
    for term in terms:
        if (box := term.box) is not None:
            width, height = max(1.5, box.east - box.west), max(1.5, box.north - box.south)
            yield BoxShape(box.west, -box.north, width, height, term.term)
