"""What one writer has on disk before it is sealed, and what is made of it when the writer is gone."""
