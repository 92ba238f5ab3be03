"""A citation and a methods paragraph of a paper, made of a capture's account.  Pure."""

import attrs

from tcaccount.subject import coverage
from tcclient import __version__
from tcclient.ledger.history import JobHistory
from tcclient.ledger.wording import length, number, when
from tcserver.accounts.account import CaptureAccount
from tcserver.captures.models import CaptureRecord

SHOWN = 5
"""Keyword texts that the paragraph quotes; more of them are counted."""


@attrs.frozen
class Methods:
    """Texts to be copied."""

    citation: str
    paragraph: str


def methods_of(capture: CaptureRecord, account: CaptureAccount, files: int) -> Methods | None:
    """Return the texts of a capture with so many finished files; None where it never ran."""
    history = account.subject.record.jobs.get(capture.pk)
    if history is None or not (wanted := history.wanted()):
        return None
    begin, end = when(wanted[0][0]), when(wanted[-1][1])
    years = begin[:4] if begin[:4] == end[:4] else f"{begin[:4]}–{end[:4]}"
    citation = (
        f"{capture.project.name} ({years}). {capture.name} [data set of posts from X]. "
        f"Captured with tcc {__version__} from {begin} to {end} UTC."
    )
    sentences = (
        f"Posts were captured from X's stream with tcc {__version__} from {begin} to {end} UTC.",
        _keywords(history),
        _coverage(account, history),
        _posts(capture, files),
    )
    return Methods(citation, " ".join(sentences))


def _keywords(history: JobHistory) -> str:
    """Return for which keywords posts came, the newest last."""
    texts = list(dict.fromkeys(one.text for one in history.wordings))
    if not texts or texts == [None]:
        return "No keywords were asked for: it is a sample of all posts."
    said = "; then ".join(
        "the sample" if text is None else f"“{' '.join(text.split())}”" for text in texts[-SHOWN:]
    )
    more = len(texts) - SHOWN
    earlier = f" ({number(more, 'earlier text')} in the table of keywords)" if more > 0 else ""
    return f"The keywords were {said}{earlier}."


def _coverage(account: CaptureAccount, history: JobHistory) -> str:
    """Return how much is covered, and what is missing."""
    gaps = history.gaps()
    covered = coverage(account.subject.shares())
    if not gaps:
        return f"Coverage is {covered}."
    longest = max(gaps, key=lambda gap: gap.seconds)
    return (
        f"Coverage is {covered}, in {number(len(gaps), 'gap')}, of which the longest "
        f"({length(longest.seconds)}, {longest.line.cause}) began at {when(longest.begin)} UTC."
    )


def _posts(capture: CaptureRecord, files: int) -> str:
    """Return how much there is, and how it can be proved."""
    posts = capture.complete_total
    counted = "" if posts is None else f"{number(posts, 'post')} were reported; "
    return (
        f"{counted}{number(files, 'finished file')} can be proved by the SHA-256 in the manifest."
    )
