"""The page about the server: which versions run, what it is made of, and where machines ask."""

import platform

import daphne
import django
import msgspec
import psycopg
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

import twisted
from tcclient import __version__
from tcserver.people.identity import server_id
from tcserver.website.asking import Visit, page

PARTS = (
    ("Django", django.get_version(), "BSD-3-Clause"),
    ("Daphne", daphne.__version__, "BSD-3-Clause"),
    ("Twisted", twisted.__version__, "MIT"),
    ("psycopg", psycopg.__version__, "LGPL-3.0-only"),
    ("msgspec", msgspec.__version__, "BSD-3-Clause"),
    ("WhiteNoise", "", "MIT"),
    ("argon2-cffi", "", "MIT"),
    ("dj-database-url", "", "BSD-3-Clause"),
    ("django-htmx", "", "MIT"),
    ("htmx", "2", "0BSD"),
    ("Natural Earth (the map)", "", "public domain"),
)
"""Name, version where the package tells it, and licence."""


@require_GET
@page
def about(visit: Visit) -> HttpResponse:
    """Versions, licences, and the addresses of health."""
    numbers = connection.get_database_version()
    context = {
        "version": __version__,
        "python": platform.python_version(),
        "database": f"{connection.display_name} {'.'.join(map(str, numbers))}",
        "server_id": server_id(),
        "keep_updates": settings.ENVIRONMENT.keep_updates,
        "keep_minutes": settings.ENVIRONMENT.keep_minutes,
        "parts": PARTS,
    }
    return render(visit.request, "about.html", context)
