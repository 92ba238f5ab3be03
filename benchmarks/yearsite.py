"""
What an installation has after a year: its rows, made in bulk, and its ledgers, read as ever.

Knows the tables and how many rows a year brings; Django is set up by whoever calls.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import attrs
from django.db import connection
from django.utils import timezone

from tcaccount.subject import coverage
from tcserver.accounts.account import account_of
from tcserver.accounts.models import LedgerJob, LedgerRecord
from tcserver.accounts.services.counts import DAY, HOUR, MINUTE
from tcserver.accounts.services.fold import fold_some
from tcserver.accounts.services.ledger import append
from tcserver.accounts.services.seal import seal_some
from tcserver.alerts.models import ChannelKind, DigestRhythm
from tcserver.alerts.services.channels import NewChannel, create_channel
from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.create import NewCapture, create
from tcserver.captures.status import Wanted
from tcserver.fleet.services.clients import create_client
from tcserver.fleet.services.tokens import issue
from tcserver.history.acts import Act, Party, by_server
from tcserver.people.models import Project

OF_A_CLIENT = 5
"""Captures that one client has."""
UPDATES_EACH = 30
"""Seconds from update to update."""
KEPT = {MINUTE: 90, HOUR: 365, DAY: 365}
"""Days of posts by the length of a step, as they are kept."""
PIECE = 1 << 20
FIRST = 1000
"""The number of the first capture: all have as many digits, and their ledgers as many bytes."""
_QUICK = {
    "sqlite": ("PRAGMA synchronous = OFF",),
    "postgresql": (
        "SET synchronous_commit = off",
        "SET session_replication_role = replica",  # no reference is looked up for each row
        "SET work_mem = '128MB'",
    ),
}
GAP_EACH = 72
"""Files from one gap to the next: two gaps a day, where a file has ten minutes."""


@attrs.frozen
class YearSize:
    """How much there is of everything."""

    captures: int
    days: int
    lines: int
    history: int
    alerts: int
    updates_days: int = 7


@attrs.frozen
class Filled:
    """A capture of the year, and its client."""

    capture: int
    client: int


def fill(size: YearSize, told: Callable[[str], None]) -> list[Filled]:
    """Make all of it; `told` is called with what was done and how long it took."""
    # The disk is waited for, and rows are doubted, where it counts, which is not here.
    for quick in _QUICK[connection.vendor]:
        _run(quick)
    now = timezone.now()
    begin = now - timedelta(days=size.days)
    made = _captures(size, begin)
    for what, act in (
        ("posts by minute, hour and day", lambda: _counts(size, now)),
        ("updates", lambda: _updates(size, now)),
        ("history", lambda: _history(size, begin)),
        ("alerts", lambda: _alerts(size, begin)),
        ("ledgers", lambda: _ledgers(size, made, begin)),
        ("what is known of tables", _analyze),
    ):
        began = time.monotonic()
        act()
        told(f"{what}: {time.monotonic() - began:.0f} s")
    return made


def database_size() -> int:
    """Return the bytes of the database."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.fetchall()
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        else:
            cursor.execute("SELECT pg_database_size(current_database())")
        found: int = cursor.fetchone()[0]
    return found


def _captures(size: YearSize, begin: datetime) -> list[Filled]:
    """Make clients and captures, and have them be as ones that run."""
    _count_from(FIRST, "captures_capturerecord")
    act, project = by_server(begin), Project.objects.order_by("pk")[0].pk
    made: list[Filled] = []
    client = 0
    for number in range(size.captures):
        if number % OF_A_CLIENT == 0:
            client = create_client(f"lab {number // OF_A_CLIENT}", [project], act).pk
            issue(client, act)
        keywords = ", ".join(f"word{number} {n}" for n in range(20))
        new = NewCapture(project, f"year {number}", keywords, client=client, wanted=Wanted.RUN)
        made.append(Filled(create(new, act).pk, client))
    _run(
        "UPDATE captures_capturerecord SET answer = 3, total = 10000000, counted = 10000000, "
        "rate = 15000, started_at = %s, first_started_at = %s, ping_at = %s, state_at = %s, "
        "condition = 'ok', applied_revision = 1",
        [begin, begin, timezone.now(), timezone.now()],
    )
    _run("UPDATE fleet_token SET contact_at = %s", [timezone.now()])
    create_channel(NewChannel(ChannelKind.EMAIL, "lab@example.org", True, DigestRhythm.DAILY), act)
    return made


def _counts(size: YearSize, now: datetime) -> None:
    end = int(now.timestamp())
    for seconds, days in KEPT.items():
        first = end - min(days, size.days) * DAY
        _run(
            f"{_steps(first - first % seconds, end, seconds)} "
            "INSERT INTO accounts_postcount (capture_id, seconds, at, posts) "
            f"SELECT c.id, {seconds}, n, 10 * {seconds} + (n / {seconds}) %% 100 "
            "FROM captures_capturerecord c CROSS JOIN steps"
        )


def _updates(size: YearSize, now: datetime) -> None:
    end = int(now.timestamp())
    _run(
        f"{_steps(end - size.updates_days * DAY, end, UPDATES_EACH)} "
        "INSERT INTO accounts_updaterecord "
        "(capture_id, client_id, at, count, total, rate, counted) "
        f"SELECT c.id, c.client_id, {_moment('n')}, 450, 10000000, 15000, {_yes()} "
        "FROM steps CROSS JOIN captures_capturerecord c"
    )


def _history(size: YearSize, begin: datetime) -> None:
    """What clients answered and people edited: some of each capture, again and again."""
    each = size.days * DAY / max(1, size.history)
    at = _moment(f"{int(begin.timestamp())} + CAST(n * {each:.6f} AS bigint)")
    name = f"'year ' || (n %% {size.captures})"
    first = "(SELECT MIN(id) FROM captures_capturerecord)"
    project = "(SELECT MIN(id) FROM people_project)"
    acts = "CASE n %% 50 WHEN 0 THEN 're-keyed' WHEN 1 THEN 'edited' ELSE 'answered' END"
    _run(
        f"{_steps(0, size.history, 1)} "
        "INSERT INTO history_historyentry (at, act, subject, subject_number, subject_name, "
        "project_number, party, party_number, party_name, before, after, note, request) "
        f"SELECT {at}, {acts}, 'capture', {first} + n %% {size.captures}, {name}, {project}, "
        f"'client', 1, 'lab 0', {_json('keywords', 'cats')}, {_json('keywords', 'dogs')}, '', '' "
        "FROM steps"
    )


def _alerts(size: YearSize, begin: datetime) -> None:
    """A third each of changes, of messages and of attempts to deliver them."""
    kinds = ("running", "gap", "rate", "health")
    text = "'posts are missing'"
    _run(
        "INSERT INTO alerts_alert (key, kind, capture_id, name, state, since, reason, seen, "
        "seen_since, flapping) "
        + " UNION ALL ".join(
            f"SELECT '{kind}:capture:' || id, '{kind}', id, name, "
            f"CASE WHEN id %% 10 = 0 THEN 'down' ELSE 'ok' END, {_moment('%s')}, {text}, 'ok', "
            f"{_moment('%s')}, {_no()} FROM captures_capturerecord"
            for kind in kinds
        ),
        [int(begin.timestamp())] * 2 * len(kinds),
    )
    number, alerts = size.alerts // 3, size.captures * len(kinds)
    each = size.days * DAY / max(1, number)
    at = _moment(f"{int(begin.timestamp())} + CAST(n * {each:.6f} AS bigint)")
    first = "(SELECT MIN(id) FROM alerts_alert)"
    _run(
        f"{_steps(0, number, 1)} INSERT INTO alerts_flip (alert_id, at, old, new, reason) "
        f"SELECT {first} + n %% {alerts}, {at}, 'ok', 'down', {text} FROM steps"
    )
    uuid = "printf('%%032x', id)" if connection.vendor == "sqlite" else "md5(id::text)::uuid"
    _run(
        "INSERT INTO alerts_notification (number, channel_id, flip_id, title, text, data, "
        "created_at, state, attempts) "
        f"SELECT {uuid}, (SELECT MIN(id) FROM alerts_alertchannel), id, {text}, {text}, "
        f"{_json('alert', 'gap')}, at, 'sent', 1 FROM alerts_flip"
    )
    _run(
        "INSERT INTO alerts_deliveryattempt (notification_id, number, at, result, error) "
        "SELECT id, 1, created_at, 'sent', '' FROM alerts_notification"
    )


def _ledgers(size: YearSize, made: Sequence[Filled], begin: datetime) -> None:
    """Have a ledger come as a client sends it, and be taken into its account; copy it for all."""
    lines, one, data = size.lines // len(made), made[0], b""
    name, held, act = f"y{one.capture}", 0, Act(Party.CLIENT, one.client, "", timezone.now())
    for line in _lines(one.capture, name, lines, begin, size.days * DAY / lines):
        data += line
        if len(data) >= PIECE:
            held, _ = append(one.client, name, one.capture, held, data, act)
            data = b""
    append(one.client, name, one.capture, held, data, act)
    while fold_some() + seal_some():
        pass
    for other in made[1:]:
        _copy(LedgerRecord.objects.get(name=name), one, other)
    told = {_coverage(other.capture) for other in made}
    if len(told) > 1:
        raise SystemExit(f"The accounts of copies are others: {told}.")


def _copy(ledger: LedgerRecord, one: Filled, other: Filled) -> None:
    """Make another capture's ledger of one, in the database: the same lines, about the other."""
    first, number, old, new = ledger.pk, ledger.folding, str(one.capture), str(other.capture)
    data = "convert_from(data, 'UTF8')" if connection.vendor == "postgresql" else "data"
    state = bytes(number.state or b"")
    for said in ('"job": {}', '"job":{}', '"jobs":{{"{}"', '"ledger": "y{}"'):
        data = f"replace({data}, '{said.format(old)}', '{said.format(new)}')"
        state = state.replace(said.format(old).encode(), said.format(new).encode())
    data = (
        f"convert_to({data}, 'UTF8')"
        if connection.vendor == "postgresql"
        else f"CAST({data} AS blob)"
    )
    ledger.pk, ledger.name = None, f"y{new}"
    ledger.capture_id, ledger.client_id = other.capture, other.client
    ledger.save(force_insert=True)
    number.pk, number.ledger, number.state = ledger.pk, ledger, state
    number.save(force_insert=True)
    LedgerJob.objects.create(ledger=ledger, job=other.capture)
    _run(
        f'INSERT INTO accounts_ledgerpiece (ledger_id, "offset", data) SELECT {ledger.pk}, '
        f'"offset", {data} FROM accounts_ledgerpiece WHERE ledger_id = {first} ORDER BY "offset"'
    )
    _run(
        'INSERT INTO accounts_accountpart (ledger_id, position, kind, job, "end", data) '
        f'SELECT {ledger.pk}, position, kind, {new}, "end", '
        f"""replace(data, '"job":{old}', '"job":{new}') """
        f"FROM accounts_accountpart WHERE ledger_id = {first} ORDER BY id"
    )


def _coverage(capture: int) -> str:
    account = account_of(CaptureRecord.objects.get(pk=capture))
    return "" if account is None else coverage(account.subject.shares())


def _lines(job: int, name: str, lines: int, begin: datetime, each: float) -> Iterator[bytes]:
    """Yield a ledger's lines: a file in each step of time, now and then a gap, new keywords."""

    def at(step: float) -> str:
        moment = begin.astimezone(UTC) + timedelta(seconds=step * each)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def line(step: float, **members: object) -> bytes:
        return json.dumps({"at": at(step), "job": job, **members}).encode() + b"\n"

    yield line(0, kind="ledger_begin", ledger=name)
    yield line(0, kind="capture_start", because="started", status=3)
    yield line(0, kind="keywords", before=None, after="cats")
    yield line(0, kind="keywords_in_force", text="cats", since=at(0))
    for step in range(1, lines - 3):
        if step % GAP_EACH == 0:
            span = {"begin": at(step - 0.1), "end": at(step), "seconds": round(each / 10, 3)}
            told = {"cause": "stall", "detail": "it was silent", "attempts": 0, "keywords": "cats"}
            yield line(step, kind="gap", **span, **told)
            continue
        ends = {"first_id": str(10**18 + step), "last_id": str(10**18 + step + 1)}
        arrivals = {"first_arrival": at(step - 0.9), "last_arrival": at(step)}
        counts = {"posts": 9000, "bytes": 27_000_000, "sha256": f"{step:064x}"}
        yield line(step, kind="file", name=f"year{step}.json", **counts, **ends, **arrivals)


def _count_from(number: int, table: str) -> None:
    """Have the next row of a table get this number."""
    if connection.vendor == "sqlite":
        _run("DELETE FROM sqlite_sequence WHERE name = %s", [table])
        _run("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, number - 1])
    else:
        _run("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, number - 1])


def _analyze() -> None:
    _run("ANALYZE")


def _steps(begin: int, end: int, each: int) -> str:
    """Return the SQL of a table `steps` with the numbers `n` from `begin` on, before `end`."""
    return (
        f"WITH RECURSIVE steps(n) AS (SELECT CAST({begin} AS bigint) UNION ALL "
        f"SELECT n + {each} FROM steps WHERE n + {each} < {end})"
    )


def _moment(seconds: str) -> str:
    """Return the SQL of a column with a time, from epoch seconds."""
    if connection.vendor == "sqlite":
        return f"strftime('%%Y-%%m-%%d %%H:%%M:%%S', {seconds}, 'unixepoch')"
    return f"to_timestamp({seconds})"


def _json(member: str, value: str) -> str:
    text = f"'{json.dumps({member: value})}'"
    return text if connection.vendor == "sqlite" else f"CAST({text} AS jsonb)"


def _yes() -> str:
    return "1" if connection.vendor == "sqlite" else "TRUE"


def _no() -> str:
    return "0" if connection.vendor == "sqlite" else "FALSE"


def _run(sql: str, values: Sequence[object] = ()) -> None:
    adapt = connection.ops.adapt_datetimefield_value
    adapted = [adapt(one) if isinstance(one, datetime) else one for one in values]
    with connection.cursor() as cursor:
        cursor.execute(sql, adapted)
