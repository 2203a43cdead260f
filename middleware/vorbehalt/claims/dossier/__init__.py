"""The dossier of one operator: what the log says of it, pinned to a checkpoint, with all that proves it."""
