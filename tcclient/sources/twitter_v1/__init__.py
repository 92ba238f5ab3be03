"""Twitter's v1.1 streams: each capture has its own."""
