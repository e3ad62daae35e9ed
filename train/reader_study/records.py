"""The files of a reader study: the key that stays with its maker, and what a reader saves."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from edge_runtime.errors import ArtifactError, DataError
from edge_runtime.record import Record

__all__ = [
    "ANSWERS_FORMAT",
    "KEY_FORMAT",
    "SCALE",
    "ComparisonAnswer",
    "KeyCase",
    "MapSource",
    "ReaderAnswers",
    "ReadingAnswer",
    "StudyKey",
    "read_answers",
    "read_key",
]

KEY_FORMAT, KEY_VERSION = "saliedge-reader-study-key", 1
ANSWERS_FORMAT, ANSWERS_VERSION = "saliedge-reader-study-answers", 1
SCALE = 5
"""Steps of confidence and usefulness, 1 to 5."""

_Built = TypeVar("_Built")


@dataclass(frozen=True)
class MapSource(Record):
    """What drew one of the maps.

    Attributes:
        bundle: name of the model.
        sha256: of its ``bundle.json``.
        saliency: ``gradient``, ``gradient-early`` or ``cam``.
        engine: what ran it.
    """

    bundle: str
    sha256: str
    saliency: str
    engine: str

    @property
    def title(self) -> str:
        """For tables."""
        return f"{self.bundle}, {self.saliency}"


@dataclass(frozen=True)
class KeyCase(Record):
    """What one case of the page is.

    Attributes:
        case: its name in the page.
        file: the image's name in its listing.
        label: its class.
        group: its patient, or whatever else must not be taken for independent.
        maps: name in the page of each map, in the order of the study's.
        predicted: the class that each map's network gave it, which the map explains.
    """

    case: str
    file: str
    label: str
    group: str
    maps: tuple[str, ...]
    predicted: tuple[str, ...]


@dataclass(frozen=True)
class StudyKey(Record):
    """Which case is which image, and which map is whose.

    Attributes:
        study: name that the page and the answers carry.
        title: what readers are told that it is.
        seed: of everything that was drawn; it does not lie in the page.
        readers: how many the page has an order for.
        classes: what can be answered.
        maps: A, then B.
        cases: in no order that means anything.
    """

    study: str
    title: str
    seed: int
    readers: int
    classes: tuple[str, ...]
    maps: tuple[MapSource, ...]
    cases: tuple[KeyCase, ...]


@dataclass(frozen=True)
class ReadingAnswer(Record):
    """What a reader said of one image.

    Attributes:
        case: which.
        map: the map that was shown beside it; None for the image alone.
        diagnosis: the class.
        confidence: 1, a guess, to 5, certain.
        usefulness: of the map, 1, misleading, to 5, very helpful; None for the image alone.
        seconds: from the picture to the answer, without breaks.
        breaks: how often the page was paused, hidden or loaded again meanwhile.
    """

    case: str
    map: str | None
    diagnosis: str
    confidence: int
    usefulness: int | None
    seconds: float
    breaks: int


@dataclass(frozen=True)
class ComparisonAnswer(Record):
    """Which of two maps of one image a reader preferred.

    Attributes:
        case: which.
        left: the map on the left.
        right: the one on the right.
        preferred: one of them; None for no difference.
        seconds: as for a reading.
        breaks: likewise.
    """

    case: str
    left: str
    right: str
    preferred: str | None
    seconds: float
    breaks: int


@dataclass(frozen=True)
class ReaderAnswers(Record):
    """What a reader saves.

    Attributes:
        study: whose page it was.
        reader: number from 1.
        session: drawn when the reader began.
        began: when, UTC.
        saved: when, UTC.
        complete: whether everything was answered.
        readings: in the order in which they were answered.
        comparisons: likewise.
    """

    study: str
    reader: int
    session: str
    began: str
    saved: str
    complete: bool
    readings: tuple[ReadingAnswer, ...]
    comparisons: tuple[ComparisonAnswer, ...]


def read_key(path: Path) -> StudyKey:
    """Read what ``make`` wrote beside the page.

    Raises:
        ArtifactError: it is missing, damaged or no key.
    """
    return _read(
        path, KEY_FORMAT, KEY_VERSION, StudyKey.from_json, ArtifactError, "key.json of a study"
    )


def read_answers(paths: Sequence[Path], key: StudyKey) -> tuple[ReaderAnswers, ...]:
    """Read what readers saved, each once, by the number of the reader.

    Raises:
        DataError: a file is damaged, of another study, says what cannot be, or repeats a reader.
    """
    found: dict[int, tuple[Path, ReaderAnswers]] = {}
    for path in paths:
        answers = _read(
            path,
            ANSWERS_FORMAT,
            ANSWERS_VERSION,
            ReaderAnswers.from_json,
            DataError,
            "a file that a reader saved",
        )
        problem = _problem(answers, key)
        if problem:
            raise DataError(f"{path} {problem}.")
        if answers.reader in found:
            raise DataError(
                f"{path} and {found[answers.reader][0]} are both of reader {answers.reader}; give "
                "the one that counts."
            )
        found[answers.reader] = (path, answers)
    return tuple(answers for _, (_, answers) in sorted(found.items()))


def _read(
    path: Path,
    kind: str,
    version: int,
    build: Callable[[dict[str, Any]], _Built],
    error_class: type[ArtifactError] | type[DataError],
    expected: str,
) -> _Built:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise error_class(f"{path} does not exist; give {expected}.") from None
    except (OSError, ValueError) as error:
        raise error_class(f"{path} cannot be read ({error}); give {expected}.") from error
    if not isinstance(record, dict) or record.get("format") != kind:
        raise error_class(f"{path} is not {expected}.")
    if record.get("version") != version:
        raise error_class(f"{path} was written by another version of saliedge; use that version.")
    try:
        return build(record)
    except ValueError as error:
        raise error_class(f"{path} is damaged: {error}.") from error


def _problem(answers: ReaderAnswers, key: StudyKey) -> str:
    """What cannot be about a reader's answers; empty if nothing."""
    if answers.study != key.study:
        return f"is of the study {answers.study}, the key of {key.study}"
    if not 1 <= answers.reader <= key.readers:
        return f"is of reader {answers.reader}, but the study has {key.readers}"
    maps = {case.case: case.maps for case in key.cases}
    for name, given in (("reading", answers.readings), ("comparison", answers.comparisons)):
        seen: set[str] = set()
        for answer in given:
            if answer.case not in maps:
                return f"has a {name} of the case {answer.case}, which the study does not know"
            if answer.case in seen:
                return f"has two {name}s of the case {answer.case}"
            if answer.seconds < 0 or answer.breaks < 0:
                return f"has a negative time in a {name} of the case {answer.case}"
            seen.add(answer.case)
    for reading in answers.readings:
        problem = _reading_problem(reading, maps[reading.case], key.classes)
        if problem:
            return f"has a reading of the case {reading.case} {problem}"
    for comparison in answers.comparisons:
        shown = (comparison.left, comparison.right)
        if sorted(shown) != sorted(maps[comparison.case]):
            return f"compares maps that are not those of the case {comparison.case}"
        if comparison.preferred not in (None, *shown):
            return f"prefers a map that was not shown of the case {comparison.case}"
    return ""


def _reading_problem(reading: ReadingAnswer, maps: Sequence[str], classes: Sequence[str]) -> str:
    if reading.map is not None and reading.map not in maps:
        return "with a map that is not its own"
    if reading.diagnosis not in classes:
        return f"as {reading.diagnosis!r}, which is no class of the study"
    if not 1 <= reading.confidence <= SCALE:
        return f"with a confidence of {reading.confidence}"
    if (reading.usefulness is None) != (reading.map is None):
        return "whose usefulness does not go with its map"
    if reading.usefulness is not None and not 1 <= reading.usefulness <= SCALE:
        return f"with a usefulness of {reading.usefulness}"
    return ""
