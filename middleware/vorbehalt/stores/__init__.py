"""Shared counters: limits and metrics. One conformance suite for every store."""
