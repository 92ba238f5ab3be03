"""Which rules are meant by a name, and what is shown of them."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.rulescommand.selection import NoSuchRule, chosen, table
from tcclient.sources.keptrules import ELSEWHERE, FOREIGN, OWN, TCC, KeptRule

RULES = (
    KeptRule("100", "tcc:0123456789ab.0123abcd:17", "cats OR dogs", OWN, 17),
    KeptRule("99", "tcc:0123456789ab.99999999:1", "x" * 70, ELSEWHERE),
    KeptRule("9", None, "tea\n", FOREIGN),
    KeptRule("8", "tcc:fedcba987654.0123abcd:1", "rats", TCC),
    KeptRule("7", "tcc:fedcba987654.0123abcd:2", "mice", TCC),
)


class ChosenTests(SynchronousTestCase):
    """From names to rules."""

    def test_table(self) -> None:
        """All without a name; groups, ids, tags and beginnings of tags."""
        for names, ids in (
            ([], ["100", "99", "9", "8", "7"]),
            (["own"], ["100"]),
            (["tcc", "9"], ["9", "8", "7"]),
            (["9", "9"], ["9"]),
            (["elsewhere", "foreign"], ["99", "9"]),
            (["tcc:fedcba987654.0123abcd:2"], ["7"]),
            (["tcc:fedcba987654.*"], ["8", "7"]),
        ):
            self.assertEqual([rule.id for rule in chosen(RULES, names)], ids, names)
        self.assertEqual(chosen(RULES[:1], ["foreign"]), [])

    def test_what_nobody_has(self) -> None:
        """One sentence, and nothing is chosen; a lone star means nothing."""
        for name in ("10", "tcc:", "*", "x*", "Own", ""):
            error = self.assertRaises(NoSuchRule, chosen, RULES, ["own", name])
            self.assertEqual(
                str(error),
                f"No rule of the app has the id or tag {name!r}; a group is one of own, elsewhere, "
                "tcc, foreign.",
            )


class TableTests(SynchronousTestCase):
    """What is shown."""

    def test_groups_in_turn(self) -> None:
        """The oldest first; what cannot be printed is escaped, what is long is cut."""
        self.assertEqual(
            list(table(RULES)),
            [
                "id   group      job  tag                           value",
                "100  own        17   tcc:0123456789ab.0123abcd:17  cats OR dogs",
                "99   elsewhere  -    tcc:0123456789ab.99999999:1   " + "x" * 59 + "…",
                "7    tcc        -    tcc:fedcba987654.0123abcd:2   mice",
                "8    tcc        -    tcc:fedcba987654.0123abcd:1   rats",
                "9    foreign    -    -                             tea\\n",
                "1 own: this client's",
                "1 elsewhere: this installation's, for another capture server or client number",
                "2 tcc: another installation's of tcc",
                "1 foreign: another program's",
            ],
        )

    def test_none(self) -> None:
        """That is said."""
        self.assertEqual(list(table([])), ["No rule."])
