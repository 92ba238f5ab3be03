"""Both ways of searching bytes backwards."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.searching import rfind

few = st.lists(st.sampled_from([b'"data"', b'"dat', b"a", b'"', b"{"]), max_size=80).map(b"".join)


class SearchingTests(SynchronousTestCase):
    """The one that is installed finds what Python itself does."""

    @given(few, st.sampled_from([b'"data"', b"a", b'{"']), st.integers(0, 300), st.integers(0, 300))
    def test_parts_of_lines(self, line: bytes, part: bytes, begin: int, end: int) -> None:
        """The last place between the two that holds all of it, from the beginning of the line."""
        self.assertEqual(rfind(line, part, begin, end), line.rfind(part, begin, end))

    @given(st.binary(max_size=300), st.binary(min_size=1, max_size=4))
    def test_any_bytes(self, line: bytes, part: bytes) -> None:
        """Zeros and what is no text are bytes like others."""
        whole = line + part + line
        for inside in (line, whole):
            found = rfind(inside, part, 0, len(inside))
            self.assertEqual(found, inside.rfind(part, 0, len(inside)))
