"""REST: the contract that existing clients know, and what is new in it."""
