"""The account's vocabulary, and what is kept and read in it."""
