"""Ledgers: what their lines say, how these are written and read, and what follows from them."""
