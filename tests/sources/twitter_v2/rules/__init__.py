"""Tests of the room sources.twitter_v2.rules."""
