"""Captures: what people want of them, what clients report of them, in columns of their own."""
