"""`tweepy3.py ROOT FILE v1.1`: what tweepy 3.10 hands over, line by line."""

import sys
from pathlib import Path
from typing import BinaryIO

import tweepy
from rewrite import send_to


class Writer(tweepy.StreamListener):
    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

    def on_data(self, raw_data: str) -> None:
        self._file.write(raw_data.encode())


send_to(sys.argv[1])
with Path(sys.argv[2]).open("wb") as file:
    stream = tweepy.Stream(tweepy.OAuthHandler("key", "secret"), Writer(file))
    stream.filter(track=["coffee"])
