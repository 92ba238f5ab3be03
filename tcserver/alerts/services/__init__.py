"""What changes alerts, channels and deliveries: nothing else writes their tables."""
