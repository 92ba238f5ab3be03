"""Whether the server lives, and whether it can work: the latter needs the database."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse

from tcserver.outages import without_line


def alive(_: HttpRequest) -> HttpResponse:
    """Say that there is a server; asks nobody else."""
    return HttpResponse("ok\n", content_type="text/plain")


def ready(_: HttpRequest) -> HttpResponse:
    """Say whether the database answers and has all migrations: 200, or 503 with what is wrong."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return _not_ready("the database does not answer")
    if missing:
        return _not_ready("the database lacks migrations")
    return HttpResponse("ok\n", content_type="text/plain")


def _not_ready(why: str) -> HttpResponse:
    return without_line(HttpResponse(f"{why}\n", "text/plain", 503))
