"""What we do: ordered rules over identity, findings and place; one verdict. Pure, total, deterministic."""
