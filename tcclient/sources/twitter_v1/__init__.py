"""Twitter's v1.1 streams: one for each capture."""
