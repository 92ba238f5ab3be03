"""Bytes: requests, answers, and what a stream's bytes mean."""
