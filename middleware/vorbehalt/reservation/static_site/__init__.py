"""The terms as files for servers that run without us: one module per kind of server. Pure."""
