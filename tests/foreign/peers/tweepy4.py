"""`tweepy4.py ROOT`: rules, stream, sample and deletes by tweepy."""

import sys

import tweepy
from elsewhere import send_to

BEARER = "AAAAAAAAAAAAAAAAAAAAAsandbox%2Bbearer%3Dtoken"


class Twenty(tweepy.StreamingClient):
    """Hangs up after 20 posts."""

    def __init__(self) -> None:
        super().__init__(BEARER)
        self.responses: list[tweepy.StreamResponse] = []

    def on_response(self, response: tweepy.StreamResponse) -> None:
        self.responses.append(response)
        if len(self.responses) == 20:
            self.disconnect()


send_to(sys.argv[1])
client = Twenty()
rules = [tweepy.StreamRule("snow"), tweepy.StreamRule("rain", tag="wet")]
client.add_rules(rules, dry_run=True)
assert not client.get_rules().data
assert len(client.add_rules(rules).data) == 2
client.filter()
assert len(client.responses) == 20 and all(one.matching_rules for one in client.responses)
sample = Twenty()
sample.sample()
assert len(sample.responses) == 20 and all(one.data.id for one in sample.responses)
gone = client.delete_rules([rule.id for rule in client.get_rules().data])
assert gone.meta["summary"]["deleted"] == 2, gone
assert not client.get_rules().data
