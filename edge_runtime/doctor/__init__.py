"""What is right and wrong with a device, each finding with its remedy. Probing never raises."""

from __future__ import annotations

from edge_runtime.doctor.examination import CHECKS, examine
from edge_runtime.doctor.finding import Finding, Status
from edge_runtime.doctor.system import System

__all__ = ["CHECKS", "Finding", "Status", "System", "examine"]
