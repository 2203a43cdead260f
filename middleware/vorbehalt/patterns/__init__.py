"""How a client behaves: one pure function per finding, what is remembered of clients, a score. Pure."""
