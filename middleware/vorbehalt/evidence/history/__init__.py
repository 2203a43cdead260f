"""What machines were told, since when, and who was told it."""
