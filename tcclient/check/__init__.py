"""`twistd tcc --check`: finds out whether the settings will work."""
