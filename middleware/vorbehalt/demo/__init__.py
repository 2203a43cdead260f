"""A bundled content site, protected and driven by real clients."""
