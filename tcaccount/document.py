"""
The account as one JSON object, for other programs.  Pure.

Knows its members; what they mean, docs/account.md says.
"""

from typing import Any

from tcaccount.subject import Share, Subject
from tcclient.ledger.history import MissedTime, Wording
from tcclient.ledger.wording import iso


def document(subject: Subject) -> dict[str, Any]:
    """Return the account of a capture; moments are as in ledgers, lengths in seconds."""
    record = subject.record
    return {
        "capture": subject.name,
        "open": subject.is_open,
        "jobs": [_job(subject, share) for share in subject.shares()],
        "gaps": [_gap(gap) for gap in record.gaps()],
        "keywords": [_keywords(wording) for wording in record.wordings()],
        "files": record.finished(adopted=False) + record.finished(adopted=True),
        "posts": record.posts(adopted=False),
        "posts_from_before": record.posts(adopted=True),
        "posts_growing": subject.growing,
        "lines": {kind: total.lines for kind, total in sorted(record.totals.items())},
        "unreadable_lines": record.unread,
    }


def _job(subject: Subject, share: Share) -> dict[str, Any]:
    history = subject.record.jobs[share.job]
    counters = subject.record.counters.get(share.job)
    numbers = {} if counters is None else {"posts": counters.posts, "base": counters.base}
    return {
        "job": share.job,
        "wanted": [[iso(begin), iso(end)] for begin, end in history.wanted()],
        "wanted_seconds": round(share.wanted, 3),
        "missing_seconds": round(share.missing, 3),
        "running": history.is_running,
        **numbers,
    }


def _gap(gap: MissedTime) -> dict[str, Any]:
    line = gap.line
    return {
        "job": gap.job,
        "begin": line.begin,
        "end": line.end,
        "seconds": round(gap.seconds, 3),
        "open": gap.is_open,
        "cause": line.cause,
        "detail": line.detail,
        "attempts": line.attempts,
        "status": line.status,
        "keywords": line.keywords,
    }


def _keywords(wording: Wording) -> dict[str, Any]:
    return {
        "job": wording.job,
        "text": wording.text,
        "asked": iso(wording.asked) or None,
        "from": iso(wording.begin) or None,
        "to": iso(wording.end) or None,
        "left_out": [[refused.term, refused.reason] for refused in wording.refused],
    }
