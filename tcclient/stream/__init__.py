"""Streams: asks for them, keeps them up, and cuts their bytes into messages."""
