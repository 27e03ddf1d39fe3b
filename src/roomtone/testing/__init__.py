"""The test kit: virtual time, whole worlds, robot callers and what they hear."""
