"""Anchors: what others say of our checkpoints. Time stamps, cosignatures of witnesses, copies."""
