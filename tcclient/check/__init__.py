"""Whether the settings will work: twistd tcc --check."""
