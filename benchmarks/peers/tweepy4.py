"""`tweepy4.py ROOT FILE v1.1|v2`: what tweepy 4 hands over, line by line."""

import sys
from pathlib import Path
from typing import BinaryIO

import tweepy
from rewrite import send_to


class Writing:
    file: BinaryIO

    def on_data(self, raw_data: bytes) -> None:
        self.file.write(raw_data + b"\n")


class V1Writer(Writing, tweepy.Stream):
    """statuses/filter."""


class V2Writer(Writing, tweepy.StreamingClient):
    """tweets/search/stream."""


send_to(sys.argv[1])
with Path(sys.argv[2]).open("wb") as Writing.file:
    if sys.argv[3] == "v1.1":
        V1Writer("key", "secret", "token", "token secret").filter(track=["coffee"])
    else:
        V2Writer("bearer").filter()
