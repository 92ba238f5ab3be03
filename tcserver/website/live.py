"""Pages with parts that are kept up to date: drawn as a whole, and such a part alone again."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def render_live(
    request: HttpRequest, name: str, context: dict[str, Any], *parts: str
) -> HttpResponse:
    """
    Return the page `name`; to who asks for one of its live parts (see live.html) that part.  A
    value that only some parts need can be a function, which is then called for those.
    """
    asked = request.headers.get("HX-Target", "").removeprefix("live-")
    if request.headers.get("HX-Request") and asked in parts:
        response = render(request, "live.html", {**context, "part": asked, "again": True})
    else:
        response = render(request, name, context)
    response.headers["Vary"] = "HX-Request, HX-Target, Cookie"
    return response
