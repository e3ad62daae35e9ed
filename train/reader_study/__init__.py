"""Do clinicians find the maps useful? A blinded reading of images with and without them.

``make`` writes one page for all readers and the key to it; ``analyse`` joins their answers with the
key. The design is that of a multi-reader multi-case study in which each reader sees each image
once: alone or with one of the maps, counterbalanced over readers, classes and time.
"""

from __future__ import annotations

from train.reader_study.analysis import analyse
from train.reader_study.design import Design
from train.reader_study.findings import Analysis
from train.reader_study.make import StudyOptions, make_study
from train.reader_study.records import StudyKey, read_answers, read_key
from train.reader_study.report import write_report

__all__ = [
    "Analysis",
    "Design",
    "StudyKey",
    "StudyOptions",
    "analyse",
    "make_study",
    "read_answers",
    "read_key",
    "write_report",
]
