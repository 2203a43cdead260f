"""Counters shared through Redis or Valkey. Nothing here is imported unless state.redis is set."""
