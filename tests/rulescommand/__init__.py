"""The command tcc-rules."""
