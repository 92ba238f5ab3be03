"""The lines of the server's log."""

import io
import logging
import logging.config

from django.conf import settings
from twisted.trial.unittest import SynchronousTestCase


class LineTests(SynchronousTestCase):
    def test_what_a_terminal_would_obey(self) -> None:
        """It is escaped, as the settings have the log; a traceback keeps its lines."""
        wanted = settings.LOGGING["formatters"]["line"]
        formatter = logging.config.DictConfigurator({}).configure_formatter(dict(wanted))
        handler = logging.StreamHandler(io.StringIO())
        handler.setFormatter(formatter)
        logger = logging.Logger("tcserver")
        logger.addHandler(handler)
        try:
            raise ValueError("\x9b2J")
        except ValueError:
            logger.exception("The name %s is 嵐", "\u202egpj")
        said = handler.stream.getvalue()
        self.assertIn(" ERROR   tcserver: The name \\u202egpj is 嵐\nTraceback", said)
        self.assertTrue(said.endswith("ValueError: \\u009b2J\n"), said)
