"""To give a capture another name, description, or other keywords."""

from django.db import IntegrityError

from tcserver.captures.models import CaptureRecord
from tcserver.captures.services.create import TAKEN
from tcserver.captures.services.rows import InvalidValues, locked, write
from tcserver.history.acts import Act

EDITED = frozenset(("name", "description", "keywords"))


def edit(capture_id: int, act: Act, **members: str | None) -> CaptureRecord:
    """
    Write those of name, description and keywords that are given.  Raises NotFound, and
    InvalidValues for a name that another capture has.
    """
    assert members.keys() <= EDITED
    try:
        with locked(capture_id) as capture:
            rekeyed = "keywords" in members and members["keywords"] != capture.keywords
            write(capture, act, "re-keyed" if rekeyed else "edited", **members)
            return capture
    except IntegrityError:
        raise InvalidValues({"name": [TAKEN]}) from None
