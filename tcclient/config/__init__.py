"""What the settings say, and whether it will work."""
