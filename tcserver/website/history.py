"""The page of everything that was done, the newest first, as far as it is the person's to know."""

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from tcserver.history.models import HistoryEntry
from tcserver.website.asking import Visit, page

ON_A_PAGE = 100
_LARGEST = 2**63 - 1


@require_GET
@page
def history(visit: Visit) -> HttpResponse:
    """So many entries from a number on downwards: nothing has to count them all."""
    asked = visit.request.GET.get("before", "")
    before = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 19 else _LARGEST
    found = list(_visible(visit).filter(pk__lt=before).order_by("-pk")[: ON_A_PAGE + 1])
    entries = found[:ON_A_PAGE]
    earlier = entries[-1].pk if len(found) > ON_A_PAGE else None
    context = {"history": entries, "earlier": earlier, "is_newest": before == _LARGEST}
    return render(visit.request, "history_page.html", context)


def _visible(visit: Visit) -> "QuerySet[HistoryEntry]":
    """Return the entries of a person's projects; all to an administrator."""
    rows = HistoryEntry.objects.all()
    return (
        rows if visit.person.administrator else rows.filter(project_number__in=visit.person.roles)
    )
