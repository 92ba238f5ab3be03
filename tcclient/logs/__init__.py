"""The log: hands events of twisted.logger to what the section `logging` of the settings says."""
