"""robots.txt: read, asked, and merged with the reservation (RFC 9309)."""
