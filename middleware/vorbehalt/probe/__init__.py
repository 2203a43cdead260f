"""Asks a live site as a crawler would, and checks that every channel arrives, agrees and parses."""
