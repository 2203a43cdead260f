"""A small label's site behind the middleware, visited by real clients; sealed and verified at the end."""
