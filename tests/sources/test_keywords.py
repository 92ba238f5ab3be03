"""How the researcher's keyword text is taken apart, whatever the source."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.keywords import split_terms

any_text = st.text(st.characters())
pieces_of_text = st.lists(
    st.sampled_from(
        ["geo:", "GEO: ", "1 2 3 4", "-180", "1.5", ".", "e5", ",", ",", " ", "\n", "\0", "a"]
    )
    | st.text(st.characters(), max_size=3)
).map("".join)


class TermTests(SynchronousTestCase):
    """Whatever somebody types."""

    @given(any_text | pieces_of_text)
    def test_no_word_vanishes(self, text: str) -> None:
        """Terms have the words that were typed, in their order; one that was there is left out."""
        words = [word for term in text.split(",") for word in term.split()]
        kept = iter(words)
        found = split_terms(text)
        for term in found:
            for word in term.replace(",", " ").split():
                self.assertIn(word, kept)  # and what stands before it is used up
        self.assertEqual({w for t in found for w in t.replace(",", " ").split()}, set(words))
