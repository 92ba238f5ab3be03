"""What is wrong with clients and captures, who is told of it, and how that went."""
