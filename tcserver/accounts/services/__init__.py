"""What adds to updates and ledgers: nothing else writes their tables."""
