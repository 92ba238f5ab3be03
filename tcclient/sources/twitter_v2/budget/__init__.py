"""How many posts may still be bought."""
