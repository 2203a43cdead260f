"""Letters to operators: rendered and checked here, never sent. What they may say: docs/adr/0011."""
