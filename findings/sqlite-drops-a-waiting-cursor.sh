#!/usr/bin/env bash
# Dropping a cursor of SQLite can stand still for the whole busy time-out of ANOTHER connection, and
# make that one fail: in CPython's sqlite3, and so in Django 5.2 on SQLite with threads.
#
# A connection that waits for a lock (`BEGIN IMMEDIATE`, `timeout=`) holds its own mutex while it
# waits.  When the last reference to one of its cursors with rows left goes in the thread that has
# the lock, sqlite3 resets the statement, which wants that mutex; so the holder waits for the waiter,
# and the waiter for the holder, until the waiter gives up: "database is locked", though nobody but
# the two wants it.  Nothing has to be shared on purpose: where cursors are in reference cycles, as
# with Django's wrappers, the garbage collector drops them in whichever thread it happens to run.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" install -q --disable-pip-version-check Django==5.2.19 2>/dev/null
cat > "$work/seen.py" <<'PY'
import sys
import threading
import time

import django
from django.conf import settings

settings.configure(
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": sys.argv[1],
            "OPTIONS": {"timeout": 5, "transaction_mode": "IMMEDIATE"},
        }
    }
)
django.setup()
from django.db import OperationalError, connection, transaction

with connection.cursor() as cursor:
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("CREATE TABLE things (name text)")
left, waits, told = [], threading.Event(), {}


def wait_for_the_lock():
    cursor = connection.cursor()  # this thread's own connection
    cursor.execute("SELECT 1 UNION ALL SELECT 2")
    cursor.fetchone()
    left.append(cursor)  # stands for a reference cycle that the collector has not found yet
    del cursor
    waits.set()
    begun = time.monotonic()
    try:
        with transaction.atomic():
            told["waiter"] = "got the lock"
    except OperationalError as e:
        told["waiter"] = str(e)
    told["waited"] = time.monotonic() - begun
    connection.close()


with transaction.atomic():
    waiter = threading.Thread(target=wait_for_the_lock)
    waiter.start()
    waits.wait()
    time.sleep(0.5)
    begun = time.monotonic()
    left.clear()  # as the collector would, in the thread that has the lock
    stood = time.monotonic() - begun
waiter.join()
print(f"Django {django.__version__}: the thread with the lock stood still for", f"{stood:.0f} s;")
print(f"the other one waited {told['waited']:.0f} s:", told["waiter"])
assert stood > 3, stood
assert told["waiter"] == "database is locked", told
PY
"$work/env/bin/python" "$work/seen.py" "$work/db.sqlite3"
