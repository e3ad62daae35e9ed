"""Where the figures of a run go beside its own files: TensorBoard, and MLflow on request."""

from __future__ import annotations

from train.sinks.base import GuardedSink, RunSink
from train.sinks.mlflow import MlflowSink, tracking_store
from train.sinks.tensorboard import TensorBoardSink

__all__ = ["GuardedSink", "MlflowSink", "RunSink", "TensorBoardSink", "tracking_store"]
