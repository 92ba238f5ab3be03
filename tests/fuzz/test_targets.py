"""Every target, with bytes as they come and with its own seeds, whole, damaged and put together."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS


def like(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Pieces of the seeds, with anything between them."""
    piece = st.builds(
        lambda seed, begin, size: seed[begin : begin + size],
        st.sampled_from(seeds),
        st.integers(0, 60),
        st.integers(0, 400),
    )
    return st.lists(st.sampled_from(seeds) | piece | st.binary(max_size=8), max_size=5).map(
        b"".join
    )


class TargetTests(SynchronousTestCase):
    """What a target promises holds for any bytes."""

    def test_seeds(self) -> None:
        """Each target has some, and takes them."""
        self.assertEqual(SEEDS.keys(), TARGETS.keys())
        for name, target in TARGETS.items():
            for seed in SEEDS[name]:
                target(seed)

    @settings(max_examples=400)
    @given(st.data(), st.sampled_from(sorted(TARGETS)))
    def test_any_bytes(self, data: st.DataObject, name: str) -> None:
        """Whatever they are."""
        TARGETS[name](data.draw(st.binary() | like(SEEDS[name])))
