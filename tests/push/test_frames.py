"""What the bytes of a WebSocket say, whatever they are and however they come."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from websockets.utils import accept_key

from tcclient.push.frames import Flood, Frames, Handshake
from tcclient.push.messages import MOST_OF_A_SERVER
from tests import DEPTH
from tests.push.liveserver import HostileServer
from tests.push.peer import HEADERS, URL
from tests.push.test_hostile import FRAMES


def said(frames: list[bytes], size: int) -> tuple[list[bytes], bool, int | None]:
    """What is heard of these frames in pieces of a size; whether it is a flood; the code."""
    one, heard = Frames(URL, HEADERS, 0.0), list[bytes]()
    [asked] = one.to_send()
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", asked)
    assert key is not None
    answer = HostileServer.GOOD.replace(b"KEY", accept_key(key[1].decode()).encode())
    data = answer + b"".join(frames)
    try:
        for at in range(0, len(data), size):
            for event in one.received(data[at : at + size], 0.0):
                if isinstance(event, Handshake):
                    assert event.status == 101
                else:
                    heard.append(event)
            one.to_send()
    except Flood:
        return heard, True, None
    return heard, False, one.code


class AnyBytesTests(SynchronousTestCase):
    @settings(max_examples=50 * DEPTH, deadline=None)
    @given(st.lists(FRAMES, max_size=6), st.integers(1, 3000))
    def test_in_any_pieces(self, frames: list[bytes], size: int) -> None:
        """The same is heard, within the bound of a message, and nothing but a flood is raised."""
        heard, flood, code = said(frames, 1 << 20)
        self.assertEqual(
            said(frames, max(size, sum(map(len, frames)) // 500)), (heard, flood, code)
        )
        self.assertLessEqual(max(map(len, heard), default=0), MOST_OF_A_SERVER)
