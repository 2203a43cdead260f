"""Records that have had their time go; their hashes stay."""
