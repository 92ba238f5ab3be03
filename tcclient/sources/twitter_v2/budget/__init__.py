"""The budget: how many posts may still be bought."""
