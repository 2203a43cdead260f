"""The dashboards as code. `deploy/grafana/build.py` writes them as JSON."""
