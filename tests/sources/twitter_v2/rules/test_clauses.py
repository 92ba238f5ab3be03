"""Behaviour of the researcher's keyword text as rules of X API v2: what is asked for, and how."""

import re
import unicodedata

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.keywords import split_terms
from tcclient.sources.twitter_v2.rules.clauses import SPARE, Clause, clauses, length, pack
from tests import DEPTH

LENGTH = 1024
"""The characters of a rule without an Enterprise plan."""

pure = settings(derandomize=True, deadline=None, database=None, max_examples=100 * DEPTH)
any_text = st.text(st.characters())
pieces = (
    *("OR", "or", "AND", "NOT", " ", " ", ",", '"', "(", ")", "-", ":", "lang:en", "from:x"),
    *("geo:", "1 2 3 4", "#", "@", "$", "#tag", "~2", "[", "]", "\\", "😀", "❤️", "日本"),
    *("“", "”", "„", "«", "»", "＂", "＃", "："),
    *("don't", "co-op", "ＯＲ", "\x01", "\u200d", "a", "B", "7"),
)
pieces_of_text = st.lists(st.sampled_from(pieces) | st.text(st.characters(), max_size=3)).map(
    "".join
)


def tokens(rule: str) -> list[tuple[str, str]]:
    """
    (kind, text) of each token, as a wary reader of X's pages "Build a rule" and "Operators" sees
    them: what might be an operator is one.
    """
    found = []
    at = 0
    while at < len(rule):
        if rule[at].isspace():
            at += 1
            continue
        kind, text = _token(rule[at:])
        found.append((kind, text))
        at += len(text)
    return found


def _token(rest: str) -> tuple[str, str]:
    if rest[0] in "()":
        return rest[0], rest[0]
    if rest[0] in "-+!":
        return "negation", rest[0]
    if rest[0] in '"“”＂':
        quoted = re.match(r'"([^"\\“”＂]*)"(?=[\s)]|$)', rest)
        return ("phrase", quoted[0]) if quoted else ("broken", rest)
    if box := re.match(r"bounding_box:\[-?[\d.]+( -?[\d.]+){3}\](?=[\s)]|$)", rest):
        return "box", box[0]
    text = re.match(r'[^\s()"]+', rest)
    assert text is not None
    word = text[0]
    if word.lower() in ("or", "and", "not"):
        return ("OR" if word == "OR" else "operator"), word
    if rest[len(word) :][:1] not in ("", " ", ")"):
        return "broken", rest  # a word and something else without a blank between them
    if word[0] in "#@$" and word[1:] and all(c == "_" or _is_of_a_word(c) for c in word[1:]):
        return {"#": "hashtag", "@": "mention", "$": "cashtag"}[word[0]], word
    return ("word" if all(map(_is_of_a_word, word)) else "operator"), word


def _is_of_a_word(character: str) -> bool:
    """Letters, digits and the marks of scripts; no sign of ASCII's is one of them."""
    return unicodedata.category(character)[0] in "LNM"


ATOMS = {"word", "phrase", "hashtag", "mention", "cashtag"}


def asked(text: str, rule_length: int = LENGTH) -> tuple[str, ...]:
    return tuple(clause.text for clause in clauses(text, rule_length)[0])


def refusals(text: str, rule_length: int = LENGTH) -> list[tuple[str, str]]:
    return [(r.term, r.reason) for r in clauses(text, rule_length)[1]]


def letters(text: str) -> str:
    return "".join(c for c in text if c.isalnum())


class TermTests(SynchronousTestCase):
    """Commas separate terms, and each becomes a clause."""

    def test_table(self) -> None:
        """Text -> clauses."""
        for text, expected in (
            ("obama", ("obama",)),
            ("foo bar,baz", ("(foo bar)", "baz")),
            (" foo \n bar ,, foo bar", ("(foo bar)",)),
            ("#snow,@snow_1,$SNOW", ("#snow", "@snow_1", "$SNOW")),
            ("#snow day", ("(#snow day)",)),
            ("＃雪,＠snow", ("#雪", "@snow")),
            ("été,日本,हिन्दी,#हिन्दी,7", ("été", "日本", "हिन्दी", "#हिन्दी", "7")),
            ("😀,❤️,1️⃣,👩‍💻", ('"😀"', '"❤️"', '"1️⃣"', '"👩‍💻"')),
            ("葛,葛\U000e0100", ("葛", '"葛\U000e0100"')),
            ("don't,don’t,co-op,U.S.", ('"don\'t"', '"don’t"', '"co-op"', '"U.S."')),
            ("example.com/x?y=1", ('"example.com/x?y=1"',)),
        ):
            self.assertEqual(clauses(text, LENGTH)[1], (), text)
            self.assertEqual(asked(text), expected, text)

    def test_operators_mean_what_they_say(self) -> None:
        """What v2 would obey is looked for instead."""
        for text, expected in (
            ("cats OR dogs", '(cats "OR" dogs)'),
            ("this or that", '(this "or" that)'),
            ("and", '"and"'),
            ("do NOT", '(do "NOT")'),
            ("ＯＲ", '"ＯＲ"'),
            ("-spam", '"-spam"'),
            ("(a b)", '("(a" "b)")'),
            ("lang:en cats", '("lang:en" cats)'),
            ("from:nasa", '"from:nasa"'),
            ("a:b", '"a:b"'),
            ("is:retweet", '"is:retweet"'),
            ("sample:10", '"sample:10"'),
            ("bounding_box:[1 2 3 4]", '("bounding_box:[1" 2 3 "4]")'),
            ("cats~2", '"cats~2"'),
        ):
            self.assertEqual(asked(text), (expected,), text)

    def test_quotation_marks_make_a_phrase(self) -> None:
        """Words in a pair of them stand beside the others; any kind of mark will do."""
        for text, expected in (
            ('"climate change"', '"climate change"'),
            ('"green tea" milk', '("green tea" milk)'),
            ('milk "green tea" "black  tea"', '(milk "green tea" "black tea")'),
            ("“green tea” „grüner Tee“", '("green tea" "grüner Tee")'),
            ("«thé vert» »Tee«", '("thé vert" Tee)'),
            ('""a b""', '"a b"'),
            ('("a b" -"c d").', '("a b" "c d")'),
            ('"cats OR dogs"', '"cats OR dogs"'),
            ('"or"', '"or"'),
            ('"from:nasa x"', '"from:nasa x"'),
            ('"#a b"', '"#a b"'),
            ('"#a"', '"#a"'),
            ('"a - b\\c"', '"a b c"'),
            ('"foo" "-" ""', "foo"),
            ('"a" OR "b', '(a "OR" b)'),
        ):
            self.assertEqual(clauses(text, LENGTH)[1], (), text)
            self.assertEqual(asked(text), (expected,), text)

    def test_other_quotation_marks_divide_words(self) -> None:
        """One without its like, or within a word: nothing that is typed can end a phrase."""
        for text, expected in (
            ('"climate change', "(climate change)"),
            ('climate change"', "(climate change)"),
            ('7" or 12" single', '(7 "or" 12 single)'),
            ('5"disk', '"5 disk"'),
            ("a\\b", '"a b"'),
            ('say:"hi"', '"say: hi"'),
        ):
            self.assertEqual(asked(text), (expected,), text)
        self.assertEqual(asked('"green, tea"'), ("green", "tea"))

    def test_signs_that_begin_no_tag(self) -> None:
        """What is no hashtag, mention or cashtag to X is looked for as text."""
        for text, expected in (
            ("#1", '"#1"'),
            ("#a-b", '"#a-b"'),
            ("#a:b", '"#a:b"'),
            ("##a", '"##a"'),
            ("@" + "a" * 16, f'"@{"a" * 16}"'),
            ("@a@b.org", '"@a@b.org"'),
            ("$100", '"$100"'),
            ("$TOOLONG", '"$TOOLONG"'),
            ("#snow_2024", "#snow_2024"),
        ):
            self.assertEqual(asked(text), (expected,), text)

    def test_what_cannot_match_is_left_out(self) -> None:
        """X divides the text at punctuation: a term with a lone dash would match nothing."""
        self.assertEqual(asked("foo - bar,€ 100,a + b"), ("(foo bar)", "100", "(a b)"))
        for term in ("-", "...", '"', "#", "+", "€", ":)"):
            self.assertEqual(
                refusals(term),
                [(term, "X matches words, numbers, hashtags and emoji, and it has none")],
            )

    def test_terms_that_ask_for_the_same(self) -> None:
        """One clause, with the first of them."""
        self.assertEqual(clauses('"foo",foo', LENGTH), ((Clause('"foo"', "foo"),), ()))

    def test_no_text_asks_for_nothing(self) -> None:
        """That is the sample stream; commas are not."""
        for text in (None, "", " \n"):
            self.assertEqual(clauses(text, LENGTH), ((), ()))
        self.assertEqual(refusals(" , ,"), [(", ,", "there is no term between the commas")])

    def test_characters_that_cannot_be_sent(self) -> None:
        """NUL and half a character, in any kind of term."""
        for term in ("a\0b", "rule:a\0", "geo: 1 2 3 4 \0", "\ud83d", "rule:\ud83d"):
            self.assertEqual(asked(f"{term},c"), ("c",))
            self.assertEqual([refused[0] for refused in refusals(term)], [term])

    def test_length(self) -> None:
        """As long as a rule may be, and one character more; an emoji counts as two."""
        for fits, too_long in (
            ("x" * 20, "x" * 21),
            ("x" * 15 + " yz", "x" * 16 + " yz"),
            ("😀" * 9, "😀" * 9 + "x"),
            ("rule:" + "x" * 18, "rule:" + "x" * 19),
        ):
            self.assertEqual(length(asked(fits, 20)[0]), 20)
            self.assertEqual(
                refusals(too_long, 20),
                [(too_long, "as a rule it has 21 characters, and at most 20 are accepted")],
            )


class WrittenRuleTests(SynchronousTestCase):
    """Terms that begin with `rule:`."""

    def test_passed_through(self) -> None:
        """In parentheses, so that OR inside stays inside."""
        for text, expected in (
            ("rule:cats OR dogs", "(cats OR dogs)"),
            ("RULE:  (a OR b)  lang:en -is:retweet ", "((a OR b) lang:en -is:retweet)"),
            ('rule:"climate change" OR ":)"', '("climate change" OR ":)")'),
            ('rule:"a b"~5', '("a b"~5)'),
            ("rule:url:snow", "(url:snow)"),
        ):
            self.assertEqual(clauses(text, LENGTH)[1], (), text)
            self.assertEqual(asked(text), (expected,))

    def test_refused(self) -> None:
        """What would reach into the other terms of a rule, and nothing at all."""
        for term, reason in (
            ("rule:", "nothing follows"),
            ("rule: ", "nothing follows"),
            ("rule:a) OR (b", "not open"),
            ("rule:(a", "parenthesis is not closed"),
            ('rule:"a', "quotation mark is not closed"),
            ('rule:"(" )', "not open"),
        ):
            self.assertEqual(asked(term), (), term)
            self.assertIn(reason, refusals(term)[0][1], term)

    def test_commas_end_it(self) -> None:
        """As they end every term; the reason says so where it can be seen."""
        self.assertIn("a comma ends a term", refusals('rule:"a, b"')[0][1])


class BoxTests(SynchronousTestCase):
    """Terms that begin with `geo:`."""

    def test_boxes(self) -> None:
        """West, south, east, north; read as on v1.1, of any size."""
        for text, expected in (
            ("geo: -121.75 37.8 -122.75 36.8 SF", "bounding_box:[-122.75 36.8 -121.75 37.8]"),
            ("geo:-180 -90 180 90", "bounding_box:[-180 -90 180 90]"),
            ("GEO: 1. .5 100 -.0000001", "bounding_box:[1 0 100 0.5]"),
            ("geo: 0 0 0.01 0.01", "bounding_box:[0 0 0.01 0.01]"),
            ("geo: -74,40,-73,41", "bounding_box:[-74 40 -73 41]"),
        ):
            self.assertEqual(clauses(text, LENGTH)[1], (), text)
            self.assertEqual(asked(text), (expected,))

    def test_refused(self) -> None:
        """With the reasons of v1.1, and never as words."""
        for term, reason in (
            ("geo: 1, 2, 3", "four numbers"),
            ("geo: 36.8 -122.75 37.8 -121.75", "latitude lies"),
            ("geo: 179 0 -179 1", "antimeridian"),
        ):
            self.assertEqual(asked(f"{term},ok"), ("ok",))
            self.assertIn(reason, refusals(term)[0][1])


class AnyTextTests(SynchronousTestCase):
    """Whatever somebody types."""

    @pure
    @given(any_text | pieces_of_text)
    @example("a -b,(c),d:e,OR")
    def test_no_operator_that_was_not_meant(self, text: str) -> None:
        """A clause is a box, an atom, or atoms in parentheses; so is each part of a rule."""
        found, _ = clauses(text, LENGTH)
        for clause in found:
            if clause.term.lower().startswith("rule:"):
                continue
            kinds = [kind for kind, _ in tokens(clause.text)]
            if clause.term.lower().startswith("geo:"):
                self.assertEqual(kinds, ["box"])
            elif len(kinds) > 1:
                self.assertEqual((kinds[0], kinds[-1]), ("(", ")"), clause)
                self.assertLessEqual(set(kinds[1:-1]), ATOMS, clause)
            else:
                self.assertLessEqual(set(kinds), ATOMS, clause)

    @pure
    @given(any_text | pieces_of_text)
    def test_the_words_are_those_that_were_typed(self, text: str) -> None:
        """No letter and no digit is lost or added, and none changes its place."""
        for clause in clauses(text, LENGTH)[0]:
            if not clause.term.lower().startswith(("rule:", "geo:")):
                self.assertEqual(letters(clause.text), letters(clause.term))

    @pure
    @given(any_text | pieces_of_text)
    def test_signs_are_kept_for_tags_only(self, text: str) -> None:
        """A hashtag, mention or cashtag comes of a word that began with its sign."""
        signs = {"hashtag": "#＃", "mention": "@＠", "cashtag": "$＄"}
        for clause in clauses(text, LENGTH)[0]:
            if clause.term.lower().startswith(("rule:", "geo:")):
                continue
            typed = clause.term.split()
            for kind, token in tokens(clause.text):
                if kind in signs:
                    self.assertTrue(any(sign + token[1:] in typed for sign in signs[kind]))

    @pure
    @given(any_text | pieces_of_text, st.integers(20, 60))
    def test_no_term_vanishes(self, text: str, rule_length: int) -> None:
        """Each has a clause of the length that is allowed, or a reason why not."""
        found, refused = clauses(text, rule_length)
        self.assertEqual(bool(text.strip()), bool(found or refused))
        by_text = {clause.text for clause in found}
        left_out = {r.term for r in refused}
        for term in split_terms(text):
            if term not in left_out:
                (clause,) = clauses(term, rule_length)[0]
                self.assertIn(clause.text, by_text)
                self.assertLessEqual(length(clause.text), rule_length)

    @pure
    @given(any_text | pieces_of_text)
    def test_a_written_rule_stays_in_its_parentheses(self, text: str) -> None:
        """Its first parenthesis is closed by its last, whatever stands between them."""
        for clause in clauses("rule:" + text.replace(",", " "), LENGTH)[0]:
            depth = 0
            bare = re.sub(r'"[^"]*"', "", clause.text)
            self.assertNotIn('"', bare)
            for at, character in enumerate(bare):
                depth += {"(": 1, ")": -1}.get(character, 0)
                self.assertEqual(depth == 0, at == len(bare) - 1)


words = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters='" '), min_size=1, max_size=30),
    max_size=60,
    unique=True,
)


def typed(texts: list[str]) -> list[Clause]:
    """Clauses that no reader of rules is needed for: quoted words."""
    return [Clause(text, f'"{text}"') for text in texts]


class PackTests(SynchronousTestCase):
    """Clauses in rules."""

    def test_few_clauses_are_one_rule(self) -> None:
        """In alphabetical order, whatever was typed first."""
        found, _ = clauses("foo bar, rule:a OR b, baz", LENGTH)
        self.assertEqual(pack(found, LENGTH), ("(a OR b) OR (foo bar) OR baz",))
        self.assertEqual(pack(found[::-1], LENGTH), pack(found, LENGTH))
        self.assertEqual(pack((), LENGTH), ())

    def test_a_long_clause_stands_alone(self) -> None:
        """It may have the room that is kept free elsewhere, and no more."""
        fits = Clause("", "x" * 100)
        self.assertEqual(sorted(pack([fits, Clause("", "a")], 100)), sorted(("a", "x" * 100)))
        with self.assertRaises(ValueError):
            pack([fits], 99)

    @pure
    @given(words, st.integers(64, 200))
    def test_nothing_is_lost_and_nothing_too_long(self, texts: list[str], size: int) -> None:
        """Every clause is in one rule; each rule of several leaves room for parentheses."""
        found = typed(texts)
        rules = pack(found, size)
        parts = [part for rule in rules for part in re.findall(r'"[^"]*"', rule)]
        self.assertEqual(sorted(parts), sorted(clause.text for clause in found))
        for rule in rules:
            several = rule.count('" OR "') > 0
            self.assertLessEqual(length(rule), size - SPARE if several else size)
            self.assertEqual(rule, " OR ".join(re.findall(r'"[^"]*"', rule)))

    @pure
    @given(words)
    def test_all_in_one_rule_if_they_fit(self, texts: list[str]) -> None:
        """It is not cut without need, and is when one character is missing."""
        found = typed(texts)
        whole = length(" OR ".join(clause.text for clause in found)) + SPARE
        self.assertEqual(len(pack(found, whole)), min(len(found), 1))
        if len(found) > 1:
            self.assertEqual(len(pack(found, max(whole - 1, 64))) > 1, whole > 64)

    def test_a_small_edit_changes_few_rules(self) -> None:
        """One term more, anywhere: a rule or two of ten change."""
        terms = [f"term{number * 7919 % 1000}" for number in range(400)]
        before = set(pack([Clause(term, term) for term in terms], LENGTH))
        self.assertGreater(len(before), 5)
        for new in ("aardvark", "term", "term5005", "zebra", "新"):
            after = set(pack([Clause(term, term) for term in [*terms, new]], LENGTH))
            self.assertLessEqual(len(after - before), 2, new)
            self.assertLessEqual(len(before - after), 2, new)
