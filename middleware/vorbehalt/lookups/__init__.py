"""Asking the outside (DNS, published ranges, key directories), always off the request path."""
