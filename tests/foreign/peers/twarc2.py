"""`twarc2.py ROOT`: rules, stream, sample and deletes by twarc."""

import sys
from itertools import islice

from elsewhere import send_to
from twarc import Twarc2

BEARER = "AAAAAAAAAAAAAAAAAAAAAsandbox%2Bbearer%3Dtoken"

send_to(sys.argv[1])
twarc = Twarc2(bearer_token=BEARER)
added = twarc.add_stream_rules([{"value": "snow"}, {"value": "rain", "tag": "wet"}])
assert added["meta"]["summary"]["created"] == 2, added
rules = twarc.get_stream_rules()["data"]
assert {rule["value"] for rule in rules} == {"snow", "rain"}, rules
posts = list(islice(twarc.stream(), 20))
assert len(posts) == 20 and all(post["matching_rules"] for post in posts), posts
posts = list(islice(twarc.sample(), 20))
assert len(posts) == 20 and all(post["data"]["id"] for post in posts), posts
gone = twarc.delete_stream_rule_ids([rule["id"] for rule in rules])
assert gone["meta"]["summary"]["deleted"] == 2, gone
assert "data" not in twarc.get_stream_rules()
