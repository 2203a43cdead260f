"""What goes into a leaf: drafts, their bytes, what must not be in them, how many there may be."""
