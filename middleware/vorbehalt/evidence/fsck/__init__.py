"""What lies beside the proof: left over, waiting, or wrong."""
