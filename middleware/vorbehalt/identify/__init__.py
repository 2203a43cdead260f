"""Who is asking: from a User-Agent to a claim, from a claim to an identity. Pure."""
