"""A read model for questions, made from the log and thrown away at will."""
