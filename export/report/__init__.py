"""What an export tells people: its record as JSON, one page that shows it, and the model card."""

from __future__ import annotations

from export.report.examples import SaliencyExample, saliency_examples
from export.report.model_card import model_card
from export.report.page import report_page
from export.report.record import REPORT_FORMAT, REPORT_VERSION, layer_sizes, report_record

__all__ = [
    "REPORT_FORMAT",
    "REPORT_VERSION",
    "SaliencyExample",
    "layer_sizes",
    "model_card",
    "report_page",
    "report_record",
    "saliency_examples",
]
