"""The HTTP server of the metrics page."""

from __future__ import annotations

import threading
from http.server import ThreadingHTTPServer
from socket import AF_INET, AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, has_dualstack_ipv6

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import MetricsHandler

from .errors import SettingError
from .metrics import TrainerMetrics


class _DualStackServer(ThreadingHTTPServer):
    """Listens on IPv4 and, where the machine has it, on IPv6 too."""

    daemon_threads = True
    address_family = AF_INET6 if has_dualstack_ipv6() else AF_INET

    def server_bind(self) -> None:
        """Bind to both families on one socket."""
        if self.address_family == AF_INET6:
            self.socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 0)
        super().server_bind()


class MetricsServer:
    """Serves one rank's metrics at /metrics from a thread of its own, from a registry of its own.

    Attributes:
        port: the TCP port it listens on, also where 0 ("any free one") was asked for.
    """

    def __init__(self, metrics: TrainerMetrics, port: int) -> None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(metrics)  # type: ignore[arg-type]  # a collector by its methods
        try:
            self._server = _DualStackServer(("", port), MetricsHandler.factory(registry))
        except OSError as error:
            raise SettingError(
                f"the metrics port {port} cannot be opened ({error}); set STEPWISE_METRICS_PORT to a free one"
            ) from error
        self.port = int(self._server.server_address[1])
        thread = threading.Thread(target=self._server.serve_forever, name="stepwise-metrics", daemon=True)
        thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
