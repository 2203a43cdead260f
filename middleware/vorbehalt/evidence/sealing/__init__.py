"""From spools to the signed tree, and what is done beside it."""
