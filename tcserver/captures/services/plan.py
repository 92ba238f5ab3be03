"""To plan when a capture is started and stopped, and to do so at that time."""

from datetime import datetime

from django.db.models import Q

from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.rows import (
    InvalidValues,
    Refused,
    locked,
    note_changes,
    picture,
    save,
)
from tcserver.captures.services.start import start
from tcserver.captures.services.stop import stop
from tcserver.history.acts import Act, by_server

AT_ONCE = 100
_ACTS = {"planned_start": start, "planned_stop": stop}


def plan(capture_id: int, begin: datetime | None, end: datetime | None, act: Act) -> CaptureRecord:
    """
    Write when it is to be started and stopped, None for never.  Raises NotFound, Refused for one
    that is archived, and InvalidValues for other times that are over, or in the wrong order.
    """
    with locked(capture_id) as capture:
        planned = {"planned_start": begin, "planned_stop": end}
        changed = {name: at for name, at in planned.items() if getattr(capture, name) != at}
        if not changed:
            return capture
        if capture.put_away:
            raise Refused("For an archived capture nothing can be planned.")
        for name, at in changed.items():
            if at is not None and at <= act.at:
                raise InvalidValues({name: ["This time is over."]})
        if begin is not None and end is not None and end <= begin:
            raise InvalidValues({"planned_stop": ["It has to be after the planned start."]})
        before = picture(capture)
        save(capture, act, **changed)
        note_changes(capture, act, "planned", before)
        return capture


def do_what_is_planned(now: datetime) -> int:
    """Start and stop the captures whose time has come, each once.  Return how many there were."""
    due = CaptureRecord.objects.filter(Q(planned_start__lte=now) | Q(planned_stop__lte=now))
    numbers = list(due.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    for number in numbers:
        _do(number, now)
    return len(numbers)


def _do(number: int, now: datetime) -> None:
    """Do what is due of one, in the order of the plan; whoever comes second finds nothing to do."""
    with locked(number) as capture:
        times = {name: getattr(capture, name) for name in _ACTS}
        due = {name: at for name, at in times.items() if at is not None and at <= now}
        save(capture, by_server(now), **dict.fromkeys(due))
        if capture.put_away:
            return
        for name, at in sorted(due.items(), key=lambda one: one[1]):
            _ACTS[name](number, by_server(now, note=f"as planned for {at:%Y-%m-%d %H:%M} UTC"))
