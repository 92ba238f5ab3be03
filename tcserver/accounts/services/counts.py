"""To add the posts of updates to those of their minute, hour and day: each update once."""

from collections import Counter
from collections.abc import Mapping

from django.db import transaction

from tcserver.accounts.models import UpdateRecord
from tcserver.sql import write

MINUTE, HOUR, DAY = STEPS = (60, 3600, 86_400)
"""How long the steps are, in seconds; they begin in UTC."""
AT_ONCE = 1000
LARGEST = 2**63 - 1

_ADD = """
INSERT INTO accounts_postcount AS old (capture_id, seconds, at, posts) VALUES {rows}
ON CONFLICT (capture_id, seconds, at) DO UPDATE SET posts = CASE
    WHEN excluded.posts > 0 THEN
        CASE WHEN old.posts > {most} - excluded.posts THEN {most}
        ELSE old.posts + excluded.posts END
    WHEN old.posts < -{most} - excluded.posts THEN -{most}
    ELSE old.posts + excluded.posts
END
"""
# A client may tell any number, and no sum of such may stop the counting of all others: it stays
# within what a column holds, and so does each step of its calculation.


def count_some() -> int:
    """Add up the oldest updates of which that was not done yet.  Return how many there were."""
    with transaction.atomic():
        rows = UpdateRecord.objects.select_for_update(skip_locked=True, of=("self",))
        rows = rows.filter(counted=False).order_by("pk")
        found = list(rows.values_list("pk", "capture", "at", "count")[:AT_ONCE])
        UpdateRecord.objects.filter(pk__in=[pk for pk, *_ in found]).update(counted=True)
        counts: Counter[tuple[int, int]] = Counter()
        for _, capture, at, count in found:
            if count is not None:
                counts[capture, int(at.timestamp())] += count
        add_counts(counts)
    return len(found)


def add_counts(counts: Mapping[tuple[int, int], int]) -> None:
    """Add posts, by their capture and by when they were counted, in epoch seconds."""
    sums: Counter[tuple[int, int, int]] = Counter()
    for (capture, at), posts in counts.items():
        for seconds in STEPS:
            sums[capture, seconds, at - at % seconds] += posts
    if sums:
        bounded = {key: max(-LARGEST, min(n, LARGEST)) for key, n in sums.items()}
        values = [value for key, n in sorted(bounded.items()) for value in (*key, n)]
        rows = ", ".join(["(%s, %s, %s, %s)"] * len(sums))
        write(_ADD.format(rows=rows, most=LARGEST), values)
