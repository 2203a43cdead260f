"""Folders for others: a pinned log, the records that answer a question, what they name."""
