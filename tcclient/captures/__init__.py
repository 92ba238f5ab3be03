"""What is captured, from the wish on the server to the last report."""
