"""What both APIs of the simulator share: the HTTP edge, open streams, faults and accounts."""
