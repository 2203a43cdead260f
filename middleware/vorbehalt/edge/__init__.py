"""Where requests come in: ASGI, forward auth, reverse proxy. Only here: Starlette and prometheus_client."""
