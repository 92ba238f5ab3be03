"""How its client says that a capture is doing: the condition with its reason, numbers, lag."""

from collections.abc import Iterable, Sequence

from django.db import transaction

from tcclient.control.healthreport import OK
from tcclient.control.reports import State
from tcserver.captures.models import CaptureRecord
from tcserver.captures.status import CAPTURING
from tcserver.hints import hint, of_numbers
from tcserver.history.acts import Act
from tcserver.sql import write_each

_STATE = f"""
UPDATE captures_capturerecord SET
    state_at = %s, ping_at = %s, modified_at = %s, condition = %s, reason = %s,
    condition_since = %s, next_attempt_at = %s, lag = %s,
    runs_since = CASE
        WHEN NOT %s THEN NULL
        WHEN %s THEN %s
        WHEN condition IN ({", ".join(f"'{one}'" for one in sorted(CAPTURING))}) THEN runs_since
        ELSE %s
    END,
    applied_revision = COALESCE(%s, applied_revision),
    total = COALESCE(%s, total), rate = COALESCE(%s, rate)
WHERE id = %s AND client_id = %s AND archived_at IS NULL AND deleted_at IS NULL
"""


def state(client: int, states: Sequence[State], act: Act) -> list[int]:
    """
    Write the newest states of a client's captures; a number that was not told stays.  Return the
    numbers of those that are not its own now, of which nothing is written.
    """
    newest = {one.job: one for one in states}
    written = states_of_many([(client, one) for one in newest.values()], act)
    if written == len(newest):
        return []
    own = CaptureRecord.objects.filter(client=client, archived_at=None, deleted_at=None)
    return sorted(newest.keys() - {*own.filter(pk__in=newest).values_list("pk", flat=True)})


def states_of_many(told: Iterable[tuple[int, State]], act: Act) -> int:
    """
    Write states that several clients, by number, have told of a capture each.  Return how many were
    about captures that are their own now; of others nothing is written.
    """
    # In one order, lest two that write at once wait for each other.
    rows = sorted(told, key=lambda one: one[1].job)
    with transaction.atomic():
        written = write_each(_STATE, [_parameters(client, one, act) for client, one in rows])
        hint(*(of_numbers(one.job) for _, one in rows))
    return written


def _parameters(client: int, told: State, act: Act) -> list[object]:
    return [
        act.at,
        act.at,
        act.at,
        told.condition,
        told.reason,
        told.since,
        told.next_attempt,
        told.lag,
        told.condition in CAPTURING,
        told.condition == OK and told.since is not None,
        None if told.since is None else min(told.since, act.at),
        act.at,
        told.revision,
        told.total,
        None if told.rate is None else round(told.rate * 1000),
        told.job,
        client,
    ]
