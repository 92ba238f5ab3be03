"""To write down what should be remembered of a capture."""

from attrs import evolve

from tcserver.captures.services.rows import locked, note_changes, picture
from tcserver.history.acts import Act

MOST = 1000
"""Characters of a note."""


def note_on(capture_id: int, text: str, act: Act) -> None:
    """Add a note to its history; nothing else changes.  Raises NotFound."""
    with locked(capture_id) as capture:
        note_changes(capture, evolve(act, note=text), "noted", picture(capture))
