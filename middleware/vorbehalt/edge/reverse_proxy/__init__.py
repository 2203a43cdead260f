"""The site behind the sidecar: a strict HTTP/1.1 hop, websockets, several upstreams."""
