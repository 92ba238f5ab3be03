"""Whether the server lives, and whether it can work: the latter needs the database."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse


def alive(_: HttpRequest) -> HttpResponse:
    """Say that there is a server; asks nobody else."""
    return HttpResponse("ok\n", content_type="text/plain")


def ready(_: HttpRequest) -> HttpResponse:
    """Say whether the database answers and has all migrations: 200, or 503 with what is wrong."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return HttpResponse("the database does not answer\n", "text/plain", 503)
    if missing:
        return HttpResponse("the database lacks migrations\n", "text/plain", 503)
    return HttpResponse("ok\n", content_type="text/plain")
