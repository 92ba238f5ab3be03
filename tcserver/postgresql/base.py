"""
The backend, as Django finds it by the setting ENGINE.

A connection that is kept is looked at before each request, since its server may have been started
anew meanwhile.  Django asks it something; here the socket tells, which costs a hundredth of that.
"""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection, which is asked whether it works only where its server has said something."""

    def is_usable(self) -> bool:
        """Return whether the connection works: a server that ends says so, or hangs up."""
        if self.connection is None or self.connection.closed:
            return False
        said = select.poll()
        said.register(self.connection.fileno(), select.POLLIN)
        return not said.poll(0) or super().is_usable()
