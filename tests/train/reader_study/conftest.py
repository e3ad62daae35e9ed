"""A study of made pictures whose maps come from the toy bundle, and answers to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from train.reader_study import StudyKey, StudyOptions, make_study, read_key
from train.reader_study.make import KEY_FILE, PAGE_FILE
from train.reader_study.pictures import MapChoice
from train.reader_study.records import (
    ANSWERS_FORMAT,
    ANSWERS_VERSION,
    ComparisonAnswer,
    KeyCase,
    MapSource,
    ReaderAnswers,
    ReadingAnswer,
)
from train.run.progress import quiet_reporter

COLORS = {"blue": (10, 20, 200), "green": (20, 200, 10), "red": (200, 20, 10)}


def write_colored(folder: Path) -> Path:
    """Write four pictures of each class of the toy bundle: a spot of its colour on grey."""
    for label, color in COLORS.items():
        (folder / label).mkdir(parents=True)
        for index in range(4):
            picture = np.full((48, 64, 3), 90, np.uint8)
            cv2.circle(picture, (14 + 12 * index, 24), 9, color[::-1], -1)
            cv2.imwrite(str(folder / label / f"patient-smith-{index}.png"), picture)
    return folder


@pytest.fixture(scope="session")
def colored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of :func:`write_colored`; read-only."""
    return write_colored(tmp_path_factory.mktemp("colored"))


@pytest.fixture(scope="session")
def study(colored: Path, toy_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study of six images, two maps and three readers; read-only."""
    out = tmp_path_factory.mktemp("studies") / "study"
    options = StudyOptions(
        maps=(MapChoice(toy_bundle, "gradient"), MapChoice(toy_bundle, "cam")),
        out=out,
        data=str(colored),
        part="all",
        cases=6,
        readers=3,
        comparisons=2,
        title="Spots <of> colour",
    )
    with quiet_reporter() as reporter:
        make_study(options, reporter)
    return out


@pytest.fixture(scope="session")
def key(study: Path) -> StudyKey:
    return read_key(study / KEY_FILE)


@pytest.fixture(scope="session")
def page_data(study: Path) -> dict:
    """What the page's script reads."""
    page = (study / PAGE_FILE).read_text(encoding="utf-8")
    _, _, rest = page.partition('<script type="application/json" id="study">')
    return json.loads(rest.partition("</script>")[0])


@pytest.fixture
def made_key() -> StudyKey:
    """A key of twelve cases of two classes, each a group of its own; nothing lies behind it."""
    cases = tuple(
        KeyCase(
            case=f"c{index}",
            file=f"{index}.png",
            label="ab"[index % 2],
            group=f"g{index}",
            maps=(f"c{index}-A", f"c{index}-B"),
            # The network of both maps is wrong on the last two.
            predicted=("a", "a") if index == 11 else ("ab"[(index + (index == 10)) % 2],) * 2,
        )
        for index in range(12)
    )
    maps = tuple(MapSource("toy", "0" * 64, name, "onnx") for name in ("gradient", "cam"))
    return StudyKey("5tudy", "Made", 1, 9, ("a", "b"), maps, cases)


@pytest.fixture
def answered(made_key: StudyKey) -> Callable[..., ReaderAnswers]:
    """Function that gives a reader's answers: answered(reader, right=(1, 1, 0), ...).

    Case i is read in condition (i + reader) % 3. `right`, `confidence` and `seconds` are by
    condition; right is the share of cases, from the first on, that are answered right.
    """

    def answer(reader, right=(1, 1, 1), confidence=(3, 3, 3), seconds=(8, 4, 4), preferred=0):
        readings, done = [], [0, 0, 0]
        for index, case in enumerate(made_key.cases):
            condition = (index + reader) % 3
            is_right = done[condition] < round(4 * right[condition])
            done[condition] += 1
            other = "b" if case.label == "a" else "a"
            readings.append(
                ReadingAnswer(
                    case=case.case,
                    map=case.maps[condition - 1] if condition else None,
                    diagnosis=case.label if is_right else other,
                    confidence=confidence[condition],
                    usefulness=4 if condition else None,
                    seconds=seconds[condition],
                    breaks=0,
                )
            )
        comparisons = tuple(
            ComparisonAnswer(
                case.case, *case.maps[:: 1 if index % 2 else -1],
                None if preferred is None else case.maps[preferred], 3.0, 0,
            )
            for index, case in enumerate(made_key.cases)
        )  # fmt: skip
        return ReaderAnswers(
            made_key.study, reader, f"s{reader}", "", "", True, tuple(readings), comparisons
        )

    return answer


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Function that writes answers as the page does: saved(answers, **of the record) -> Path."""

    def save(answers: ReaderAnswers, **changed: object) -> Path:
        path = tmp_path / f"reader-{answers.reader}-{len(list(tmp_path.iterdir()))}.json"
        record = {"format": ANSWERS_FORMAT, "version": ANSWERS_VERSION, **answers.to_json()}
        path.write_text(json.dumps(record | changed), encoding="utf-8")
        return path

    return save
