"""The Merkle log of C2SP tlog-tiles: pure functions over bytes."""
