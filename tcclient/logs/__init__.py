"""The log: twisted.logger events through the section logging of the settings."""
