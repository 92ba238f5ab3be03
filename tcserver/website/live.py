"""Pages with parts that are kept up to date: drawn as a whole, and such a part alone again."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def render_live(
    request: HttpRequest, name: str, context: dict[str, Any], *parts: str, **every: str
) -> HttpResponse:
    """
    Return the page `name`; to who asks for one of its live parts (see live.html) that part: one of
    `parts`, or of those that are asked for at an interval of their own, which `every` has as htmx
    writes it.  A value that only some parts need can be a function, which is then called for those.
    """
    asked = request.headers.get("HX-Target", "").removeprefix("live-")
    if request.headers.get("HX-Request") and asked in (*parts, *every):
        part = {"part": asked, "every": every.get(asked), "again": True}
        response = render(request, "live.html", {**context, **part})
    else:
        response = render(request, name, {**context, "intervals": every})
    response.headers["Vary"] = "HX-Request, HX-Target, Cookie"
    return response
