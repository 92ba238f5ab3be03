"""Tests of the room sources.twitter_v1."""
