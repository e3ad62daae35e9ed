"""What a data set holds and hides, before anything is trained on it: ``saliedge data check``."""

from __future__ import annotations

from train.data_check.findings import DatasetReport
from train.data_check.inspection import Inspection, inspect_dataset

__all__ = ["DatasetReport", "Inspection", "inspect_dataset"]
