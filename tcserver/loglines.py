"""The lines of the log: what others have named or said is shown in them, and does nothing."""

import logging

from tcclient.runtime.plaintext import visible


class LineFormatter(logging.Formatter):
    """Formats as the standard library does, with escapes for all that a terminal would obey."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record, with its traceback, if it has one."""
        return visible(super().format(record))
