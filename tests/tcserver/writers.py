"""
Many writers at once, and the proof that no accepted write is lost.

`python -m tests.tcserver.writers --acts 10000` runs 20 writers on the database of the tests (a file
in the folder it is started in, or that of TCC_TEST_DATABASE_URL), and prints what it has found.
"""

import argparse
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import attrs
from django.db import OperationalError, connection
from django.db.models import Sum
from django.test import Client as Browser

from tcserver.accounts.folding import FoldState
from tcserver.accounts.models import (
    AccountPart,
    LedgerPiece,
    LedgerRecord,
    PostCount,
    UpdateRecord,
)
from tcserver.accounts.services.counts import count_some
from tcserver.accounts.services.fold import fold_some
from tcserver.captures.models import CaptureRecord
from tcserver.history.models import HistoryEntry
from tests.tcserver.sentledgers import gap, told_at
from tests.tcserver.world import World

BUSY = 503
ACCEPTED = range(200, 300)
REFUSED = (400, 404, 409)
"""An archived capture does not start; one that was put away is not its client's."""


@attrs.define
class Accepted:
    """What one writer was told is done."""

    statuses: Counter[int] = attrs.field(factory=Counter)
    keywords: set[str] = attrs.field(factory=set)
    counts: int = 0
    ledger: bytes = b""


class Writers:
    """
    People who edit, start, stop and archive the captures of a world, and clients which ping, add
    updates and append to ledgers: each a thread, with the means that it has in life.  Meanwhile two
    others do the housekeeping, without regard to each other.
    """

    def __init__(self, world: World, people: int, clients: int) -> None:
        self._captures = [world.demo.pk, world.bare.pk]
        self._key, self._token = world.key(world.rita), world.token
        self._kinds: list[Callable[[int, Accepted, random.Random], Iterator[None]]] = [
            *[self._person] * people,
            *[self._client] * clients,
        ]
        self.accepted = [Accepted() for _ in self._kinds]
        self.failures: list[BaseException] = []
        self._over = threading.Event()

    def run(self, acts: int) -> None:
        """Have all of them do `acts` acts together; returns when they have."""
        share = acts // len(self._kinds)
        threads = [
            threading.Thread(target=self._work, args=(number, kind, share))
            for number, kind in enumerate(self._kinds)
        ]
        keepers = [threading.Thread(target=self._keep_house) for _ in range(2)]
        for thread in [*threads, *keepers]:
            thread.start()
        for thread in threads:
            thread.join()
        self._over.set()
        for thread in keepers:
            thread.join()

    def lost(self) -> list[str]:
        """Return a sentence on each thing that is not as it must be after what was accepted."""
        found = [f"a writer failed: {failure!r}" for failure in self.failures]
        for number in self._captures:
            found += self._lost_of_capture(number)
        counts = sum(one.counts for one in self.accepted)
        stored = UpdateRecord.objects.aggregate(Sum("count"))["count__sum"] or 0
        counted = CaptureRecord.objects.aggregate(Sum("counted"))["counted__sum"]
        if not counts == stored == counted:
            found.append(f"updates: {counts} accepted, {stored} stored, {counted} counted")
        steps = PostCount.objects.values("seconds").annotate(posts=Sum("posts"))
        for one in steps:
            if one["posts"] != counts:
                found.append(f"{counts} posts, and {one['posts']} in steps of {one['seconds']} s")
        for name, one in enumerate(self.accepted):
            found += self._lost_of_ledger(f"writer{name}", one.ledger)
        return found

    def _lost_of_capture(self, number: int) -> Iterator[str]:
        """What people wanted stands in the row, or in history as replaced by what came later."""
        row = CaptureRecord.objects.get(pk=number)
        entries = HistoryEntry.objects.filter(subject="capture", subject_number=number)
        told: set[str] = set()
        known: dict[str, Any] = {}
        people = 0
        for entry in entries.order_by("pk"):
            people += entry.party == "person"
            for member, value in entry.after.items():
                if member in known and entry.before[member] != known[member]:
                    yield f"{row}: {member} was {known[member]!r}, not {entry.before[member]!r}"
                known[member] = value
            told |= {entry.after["keywords"]} if "keywords" in entry.after else set()
        if known["keywords"] != row.keywords or known["status"] != row.status.name.lower():
            yield f"{row}: the row is {row.keywords!r}, {row.status.name}; history says {known}"
        if row.revision != people:
            yield f"{row}: revision {row.revision} after {people} acts of people"
        mine = {text for one in self.accepted for text in one.keywords}
        if missing := {text for text in mine if text.startswith(f"{number}:")} - told:
            yield f"{row}: keywords that were accepted and are not in history: {missing}"

    def _lost_of_ledger(self, name: str, sent: bytes) -> Iterator[str]:
        record = LedgerRecord.objects.filter(name=name).first()
        pieces = LedgerPiece.objects.filter(ledger=record).order_by("offset")
        stored = b"".join(bytes(piece.data) for piece in pieces) if record else b""
        if stored != sent or (record and record.held != len(sent)):
            yield f"{name}: {len(stored)} bytes are stored of {len(sent)}"
        if record is None:
            return
        lines, gaps = sent.count(b"\n"), AccountPart.objects.filter(ledger=record, kind="gap")
        number = FoldState.decode(bytes(record.folding.state or b"")).record.number
        if not lines == number == gaps.count():
            yield f"{name}: of {lines} lines {number} are in the account, with {gaps.count()} gaps"

    def _keep_house(self) -> None:
        """Take ledgers into accounts and count updates, until the writers are done and all is."""
        try:
            more = 0
            while not self._over.is_set() or more:
                try:
                    more = fold_some() + count_some()
                except OperationalError:  # a busy SQLite: the loop of the server tries again, too
                    connection.close()
                    more = 1
        except BaseException as e:
            self.failures.append(e)
        finally:
            connection.close()

    def _work(self, number: int, kind: Any, acts: int) -> None:
        try:
            doing = kind(number, self.accepted[number], random.Random(number))
            for _ in range(acts):
                next(doing)
        except BaseException as e:
            self.failures.append(e)
        finally:
            connection.close()

    def _person(self, number: int, done: Accepted, chance: random.Random) -> Iterator[None]:
        for turn in range(1_000_000):
            capture = chance.choice(self._captures)
            keywords = f"{capture}:{number}:{turn}"
            members: dict[str, Any] = chance.choice(
                (
                    {"keywords": keywords},
                    {"keywords": keywords},
                    {"status": 2},
                    {"status": 4},
                    {"archived_date": chance.choice((None, "2026-01-01T00:00:00Z"))},
                )
            )
            answered = self._ask(done, self._key, "PATCH", f"jobs/{capture}/", members)
            if answered is not None and "keywords" in members:
                done.keywords.add(keywords)
            yield

    def _client(self, number: int, done: Accepted, chance: random.Random) -> Iterator[None]:
        for turn in range(1_000_000):
            capture = chance.choice(self._captures)
            match chance.randrange(4):
                case 0:
                    members = {"total_count": turn, "rate": "1.000"}
                    self._ask(done, self._token, "PATCH", f"activejobs/{capture}/", members)
                case 1:
                    members = {"status": chance.choice((3, 5))}
                    self._ask(done, self._token, "PATCH", f"activejobs/{capture}/", members)
                case 2:
                    update = {"job": capture, "count": turn}
                    if self._ask(done, self._token, "POST", "update/", update) is not None:
                        done.counts += turn
                case _:
                    data = told_at(turn, gap(turn, turn + 1))
                    target = f"ledger/writer{number}/?offset={len(done.ledger)}"
                    if self._ask(done, self._token, "PUT", target, data) is not None:
                        done.ledger += data
            yield

    def _ask(
        self, done: Accepted, token: str, method: str, target: str, told: Any
    ) -> dict[str, Any] | None:
        """The answer to an accepted write; None to one that was refused, or not now."""
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        kind = "text/plain" if isinstance(told, bytes) else "application/json"
        shown = {"Authorization": f"Token {token}"}
        got = Browser().generic(method, f"/api/{target}", body, content_type=kind, headers=shown)
        done.statuses[got.status_code] += 1
        if got.status_code in ACCEPTED:
            content: dict[str, Any] = json.loads(got.content)
            return content
        if got.status_code not in (BUSY, *REFUSED):
            raise AssertionError((method, target, told, got.status_code, got.content))
        return None


def main() -> None:
    """Run the writers, and say what is lost."""
    from tests.tcserver.case import database

    parser = argparse.ArgumentParser()
    parser.add_argument("--acts", type=int, default=10_000)
    options = parser.parse_args()
    database()
    writers = Writers(World(), people=8, clients=12)
    began = time.monotonic()
    writers.run(options.acts)
    seconds = time.monotonic() - began
    statuses: Counter[int] = sum((one.statuses for one in writers.accepted), Counter())
    print(f"{connection.vendor}: {options.acts} acts in {seconds:.0f} s, {dict(statuses)}")
    lost = writers.lost()
    print("\n".join(lost) or "Nothing is lost.")
    connection.close()
    raise SystemExit(bool(lost))


if __name__ == "__main__":
    main()
