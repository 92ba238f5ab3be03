"""What was done by whom, for ever: the room below all that writes."""
