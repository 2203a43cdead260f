"""The parts of the auditor: each reads one kind of evidence file and says what does not hold."""
