"""What clients report over time: updates, and the ledgers that account for every gap."""
