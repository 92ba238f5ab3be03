"""What the database of an older capture server (twitter-capture-django) holds, and its way here."""
