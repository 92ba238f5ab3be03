"""
How a file gets its temporary name, and what becomes of its posts when somebody takes it away.

Knows names on the disk, and who is told; does not know when a file is begun or finished.
"""

import os
from collections import deque
from functools import partial

from tcclient.storage.bookkeeper import Bookkeeper
from tcclient.storage.diskuse import Place
from tcclient.storage.growing import GrowingFile
from tcclient.storage.rescue import lacking
from tcclient.storage.slots import Slot
from tcclient.storage.waiting import Waiting

MOST_AVOIDED = 1000
"""Names that are remembered because no further file is to have them."""


class TemporaryNames:
    """
    The temporary names of one capture's files.  `owner` hears what others do to them, once;
    `waiting` gets posts that have to be written again.
    """

    def __init__(self, place: Place, owner: Bookkeeper, waiting: Waiting) -> None:
        self._place = place
        self._owner = owner
        self._waiting = waiting
        self._avoided = deque(owner.names_told(), MOST_AVOIDED)

    def begin(self, slot: Slot) -> GrowingFile:
        """
        Make a file under the first name that is free, and that none has had which was lost: what
        is found under that name is known as the lost file's.  Raises OSError.
        """
        naming, folder = self._place.naming, self._place.folder
        first = naming.final(slot)
        for final in naming.alternatives(first):
            name = naming.temporary(final)
            if name in self._avoided or (final != first and os.path.lexists(folder / final)):
                continue
            try:
                return GrowingFile(folder / name, slot, self._place.use.ids)
            except FileExistsError:
                self._avoided.append(name)
                self._owner.name_taken(name)
        raise AssertionError("alternatives() has no end")

    async def lacking(self, file: GrowingFile) -> list[bytes]:
        """Return the last posts of a file that is not ours any more, if they are nowhere else."""
        if os.fstat(file.fd).st_nlink:
            return []
        use, posts = self._place.use, file.written.posts
        return await use.threads(partial(lacking, file.fd, file.path, use.ids, posts))

    def let_go(self, file: GrowingFile, again: list[bytes]) -> None:
        """
        Let go of a file that is not ours any more.  Its last posts, `again`, wait to be written
        again, and are not counted any more.
        """
        status = os.fstat(file.fd)
        file.close()
        self._owner.stored(-len(again))
        if again:
            self._waiting.put_first(file.written.again(file.slot, again))
        rest = file.written.posts - len(again)
        if rest:
            self._owner.lost(rest, file.path, status, file.disturbance)
        elif os.path.lexists(file.path):
            self._owner.name_taken(file.path.name)
        self._avoided.append(file.path.name)
