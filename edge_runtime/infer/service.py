"""What a run of ``edge-infer`` tells those who watch over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from edge_runtime.classifier import FrameClassifier
from edge_runtime.infer.model import of_store
from edge_runtime.infer.output_options import OutputOptions
from edge_runtime.messages import say
from edge_runtime.service.notify import ServiceManager
from edge_runtime.sinks.base import Sink

if TYPE_CHECKING:
    from edge_runtime.models import StoreClassifier

__all__ = ["add_service_sinks"]


def add_service_sinks(
    sinks: list[Sink],
    options: OutputOptions,
    classifier: FrameClassifier,
    dropped: Callable[[], int],
) -> None:
    """Open the outputs for brokers and monitors, and those that nobody has to ask for.

    Args:
        sinks: Where each is added as soon as it is open; after an error the caller closes all.
        options: What was asked for.
        classifier: The run's.
        dropped: Tells how many frames were never taken.

    Raises:
        UsageError: An option's value cannot be used.
        DependencyError: The ``mqtt`` extra is not installed.
        OutputError: The address for the metrics cannot be had.
    """
    on_trial = of_store(classifier)
    if on_trial is not None:
        from edge_runtime.sinks.trial import TrialSink

        sinks.append(TrialSink(on_trial))
    if options.metrics is not None:
        sinks.append(_monitoring(options, on_trial, dropped))
    if options.mqtt is not None:
        sinks.append(_mqtt(options))
    manager = ServiceManager.from_environment()
    if manager is not None:
        from edge_runtime.sinks.service import ServiceSink

        sinks.append(ServiceSink(manager))


def _monitoring(
    options: OutputOptions, on_trial: StoreClassifier | None, dropped: Callable[[], int]
) -> Sink:
    from edge_runtime.board import temperature_celsius
    from edge_runtime.monitoring import MonitoringServer, RunProgress
    from edge_runtime.monitoring.server import is_local, parse_address
    from edge_runtime.monitoring.sink import MonitoringSink

    progress = RunProgress(dropped, on_trial=lambda: on_trial is not None and on_trial.on_trial)
    server = MonitoringServer(
        parse_address(str(options.metrics)),
        progress,
        options.stale_seconds,
        temperature_celsius,
    )
    host, port = server.address
    if not is_local(host):
        say(f"Whoever reaches {host} can read the metrics; they are not encrypted.", "warning")
    say(f"Metrics at http://{f'[{host}]' if ':' in host else host}:{port}/metrics")
    return MonitoringSink(progress, server)


def _mqtt(options: OutputOptions) -> Sink:
    from edge_runtime.sinks.mqtt import MqttAddress, MqttSink

    host, port = options.mqtt_host_port
    address = MqttAddress(
        host,
        port,
        options.topic,
        options.mqtt_user,
        options.mqtt_password_file,
        options.mqtt_tls,
        options.mqtt_ca,
        options.mqtt_seconds,
    )
    return MqttSink(address)
