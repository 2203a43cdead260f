"""What we can prove: records, a transparency log, a vault for what must be forgettable."""
