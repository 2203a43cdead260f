"""What must be forgettable: openings, how long they stay, how they go, who holds them."""
