"""What is shown of a text is the text."""

import sys
import unicodedata

from twisted.trial.unittest import SynchronousTestCase

from tcclient.runtime.plaintext import visible

KEPT = "a\tb\nStorm 嵐 טקסט نیم\u200cفاصله 👩\u200d🔬 ❤\ufe0f a\u0301"


class VisibleTests(SynchronousTestCase):
    def test_what_is_kept(self) -> None:
        """Letters of all scripts, emoji, and what joins them."""
        self.assertEqual(visible(KEPT), KEPT)

    def test_what_is_escaped(self) -> None:
        """Commands to terminals, other directions, and line ends that nobody sees."""
        for character in "\0\a\r\x1b\x7f\x85\x9b\u061c\u200e\u202e\u2028\u2029\u2066\ud800\ufeff":
            escaped = f"\\u{ord(character):04x}"
            self.assertEqual(visible(f"a{character}b"), f"a{escaped}b")

    def test_all_characters(self) -> None:
        """No control character, no line end of Unicode and no change of direction is left."""
        left = visible("".join(map(chr, range(sys.maxunicode + 1))))
        for character in set(left) - {"\t", "\n"}:
            self.assertNotIn(unicodedata.category(character), {"Cc", "Cs", "Zl", "Zp"})
            turned = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
            self.assertNotIn(unicodedata.bidirectional(character), turned)
