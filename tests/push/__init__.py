"""Tests of the real-time channel's messages, and of its client's end."""
