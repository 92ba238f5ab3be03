"""What brings captures their posts, and what becomes of each message."""
