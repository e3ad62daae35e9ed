"""How a run does, for machines that watch it: Prometheus metrics and a health check over HTTP."""

from __future__ import annotations

from edge_runtime.monitoring.progress import RunProgress
from edge_runtime.monitoring.server import MonitoringServer

__all__ = ["MonitoringServer", "RunProgress"]
