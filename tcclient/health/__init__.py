"""Whether the client is well: the facts, what follows from them, and the words for it."""
