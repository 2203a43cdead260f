"""What to paste where the sidecar stands beside Envoy. deploy/envoy holds the same file; a test compares."""

from __future__ import annotations

from vorbehalt.cli.nginx_snippet import RUN
from vorbehalt.cli.snippet import Part, Snippet

_ENVOY_FILE = """\
# Envoy in front of a site, with Vorbehalt's sidecar asked about every request (ext_authz over HTTP).
static_resources:
  listeners:
    - name: site
      address: { socket_address: { address: 0.0.0.0, port_value: 8080 } }
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: site
                # The visitor is who connects to Envoy; what he says in X-Forwarded-For is replaced or appended to.
                use_remote_address: true
                skip_xff_append: false
                # A visitor's own X-Request-Id is replaced: by it the access log is joined to the records.
                generate_request_id: true
                upgrade_configs:
                  - upgrade_type: websocket
                access_log:
                  - name: envoy.access_loggers.file
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
                      path: /var/log/envoy/vorbehalt.json
                      log_format:
                        json_format:
                          time: "%START_TIME%"
                          request_id: "%REQ(X-REQUEST-ID)%"
                          status: "%RESPONSE_CODE%"
                          bytes: "%BYTES_SENT%"
                          flags: "%RESPONSE_FLAGS%"
                route_config:
                  virtual_hosts:
                    - name: site
                      domains: ["*"]
                      routes:
                        - match: { path: /robots.txt }
                          route: &signals
                            cluster: signals
                            timeout: 2s
                            retry_policy:
                              retry_on: connect-failure,reset,gateway-error
                              num_retries: 1
                              per_try_timeout: 0.2s
                              retry_priority:
                                name: envoy.retry_priorities.previous_priorities
                                typed_config:
                                  "@type": type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig
                                  update_frequency: 1
                          typed_per_filter_config: &unasked
                            envoy.filters.http.ext_authz:
                              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute
                              disabled: true
                        - match: { path: /license.xml }
                          route: *signals
                          typed_per_filter_config: *unasked
                        - match: { path: /ai-policy }
                          route: *signals
                          typed_per_filter_config: *unasked
                        - match: { path: /.well-known/tdmrep.json }
                          route: *signals
                          typed_per_filter_config: *unasked
                        - match: { path: /.well-known/tdm-policy.json }
                          route: *signals
                          typed_per_filter_config: *unasked
                        - match: { prefix: "/" }
                          route: { cluster: site }
                http_filters:
                  - name: envoy.filters.http.ext_authz
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
                      # A sidecar that is down, slow or ill lets every request pass.
                      failure_mode_allow: true
                      allowed_headers:
                        patterns:
                          - { exact: user-agent, ignore_case: true }
                          - { exact: referer, ignore_case: true }
                          - { exact: from, ignore_case: true }
                          - { exact: range, ignore_case: true }
                          - { exact: if-none-match, ignore_case: true }
                          - { exact: if-modified-since, ignore_case: true }
                          - { exact: x-forwarded-for, ignore_case: true }
                          - { exact: x-forwarded-proto, ignore_case: true }
                          - { exact: x-request-id, ignore_case: true }
                          - { prefix: accept, ignore_case: true }
                          - { prefix: sec-, ignore_case: true }
                          - { prefix: signature, ignore_case: true }
                      http_service:
                        path_prefix: /.vorbehalt/auth
                        server_uri:
                          uri: http://127.0.0.1:8100
                          cluster: vorbehalt
                          timeout: 0.2s
                        # A sidecar on another machine: sidecar.secret of its vorbehalt.toml.
                        # authorization_request:
                        #   headers_to_add:
                        #     - { key: X-Vorbehalt-Secret, value: "..." }
                        authorization_response:
                          allowed_client_headers_on_success:
                            patterns:
                              - { exact: tdm-reservation, ignore_case: true }
                              - { exact: tdm-policy, ignore_case: true }
                              - { exact: content-usage, ignore_case: true }
                              - { exact: link, ignore_case: true }
                              - { exact: x-robots-tag, ignore_case: true }
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
    - name: vorbehalt
      type: STATIC
      connect_timeout: 0.05s
      common_lb_config: { healthy_panic_threshold: { value: 0 } }
      health_checks:
        - timeout: 1s
          interval: 1s
          no_traffic_interval: 1s
          unhealthy_threshold: 2
          healthy_threshold: 1
          http_health_check: { path: /.vorbehalt/health }
      load_assignment:
        cluster_name: vorbehalt
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 8100 } } }
    # Signal documents: from the sidecar, and while it is down what the site itself has there.
    - name: signals
      connect_timeout: 0.05s
      lb_policy: CLUSTER_PROVIDED
      cluster_type:
        name: envoy.clusters.aggregate
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig
          clusters: [vorbehalt, site]
    - name: site
      type: STATIC
      connect_timeout: 1s
      load_assignment:
        cluster_name: site
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 8000 } } }
"""  # noqa: E501

ENVOY = Snippet(
    f"Run the sidecar beside Envoy (pip install 'vorbehalt[sidecar]'):\n\n{RUN}\n\n"
    "Here is a whole configuration; from it take over: use_remote_address, the five routes of the\n"
    "signals, the ext_authz filter, the clusters vorbehalt and signals.",
    (Part("In Envoy's configuration", _ENVOY_FILE, "envoy/envoy.yaml"),),
    "If the sidecar is down or slower than 200 ms, Envoy serves the site as before; robots.txt is then\n"
    "the site's own. What is told then is said by a filter, the first of the http_filters:\n\n"
    "    vorbehalt signals -c vorbehalt.toml --write /srv/vorbehalt\n"
    "    sed -i '/http_filters:/r /srv/vorbehalt/server/while-down/envoy.yaml' envoy.yaml\n\n"
    "Your own robots.txt is kept when its path stands in the configuration:\n\n"
    '    robots = "file:/srv/www/robots.txt"',
    "http://127.0.0.1:8080",
)
