"""Behaviour of what X API v2 is asked to tell of a post."""

from twisted.trial.unittest import SynchronousTestCase

from tcclient.sources.twitter_v2.fields import DEFAULTS, parameters, unknown


class FieldsTests(SynchronousTestCase):
    """The parameters of a stream's URL."""

    def test_everything_public_by_default(self) -> None:
        """All six parameters, comma-separated and without blanks."""
        asked = parameters()
        self.assertEqual(
            set(asked),
            {
                "tweet.fields",
                "expansions",
                "user.fields",
                "media.fields",
                "poll.fields",
                "place.fields",
            },
        )
        self.assertIn("note_tweet", asked["tweet.fields"].split(","))
        self.assertIn("referenced_tweets.id.author_id", asked["expansions"].split(","))
        for names in asked.values():
            self.assertRegex(names, r"\A[a-z0-9_.]+(,[a-z0-9_.]+)+\Z")

    def test_what_an_app_may_not_have(self) -> None:
        """Asking for it costs an error in every post, or the connection."""
        everything = {name for names in DEFAULTS.values() for name in names}
        for name in (
            "non_public_metrics",
            "organic_metrics",
            "promoted_metrics",
            "connection_status",
            "confirmed_email",
            "receives_your_dm",
            "matched_media_notes",
            "note_request_suggestions",
        ):
            self.assertNotIn(name, everything)

    def test_the_list_is_in_order(self) -> None:
        """Alphabetical, each name once, to be compared with X's."""
        for names in DEFAULTS.values():
            self.assertEqual(list(names), sorted(set(names)))

    def test_an_override_replaces_one_parameter(self) -> None:
        """The others stay; names that we do not know pass, and none is asked for twice."""
        asked = parameters({"tweet.fields": ["lang", "brand_new", "lang"]})
        self.assertEqual(asked["tweet.fields"], "lang,brand_new")
        self.assertEqual(asked["user.fields"], parameters()["user.fields"])

    def test_an_empty_list_leaves_a_parameter_out(self) -> None:
        """X gives its own default then."""
        self.assertEqual(parameters(dict.fromkeys(DEFAULTS, ())), {})

    def test_mistakes(self) -> None:
        """The sentence names what is wrong."""
        with self.assertRaisesRegex(ValueError, "'tweet_fields' is not one of tweet.fields, "):
            parameters({"tweet_fields": ["lang"]})
        for name in ("", "a,b", "a b", "Lang", "a.", ".a", "a&b=c", "lang\n"):
            with self.assertRaisesRegex(ValueError, "is not the name of a field"):
                parameters({"tweet.fields": [name]})

    def test_names_that_are_not_known(self) -> None:
        """They are found, and left to X to judge."""
        self.assertEqual(unknown(None), [])
        found = unknown({"tweet.fields": ["created_at", "nope"], "poll.fields": []})
        self.assertEqual(found, ["nope"])
