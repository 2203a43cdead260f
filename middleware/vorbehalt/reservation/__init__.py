"""What we tell machines: one set of terms, rendered to every channel. Pure: terms -> bytes."""
