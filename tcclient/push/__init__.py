"""The real-time channel to a capture server, beside REST, which stays truth and fallback."""
