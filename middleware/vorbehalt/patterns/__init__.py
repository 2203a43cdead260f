"""How a client behaves: one pure function per finding. Empty until findings arrive."""
