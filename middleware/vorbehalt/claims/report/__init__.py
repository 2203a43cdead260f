"""The owner's month: one page of figures from the evidence log, and an annex to recompute them from."""
