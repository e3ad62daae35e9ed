from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from train.data_check import Inspection, inspect_dataset
from train.run.progress import quiet_reporter


@pytest.fixture(scope="session")
def suspicious(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of two classes with something of everything; read-only.

    50 of `marked`, all with a green box at columns 5 to 20 % and rows 70 to 90 %; 20 of `plain`,
    without. Copies: marked/00 as marked/copy, plain/00 as marked/mislabelled (with its own look).
    plain/broken.png is no image.
    """
    folder = tmp_path_factory.mktemp("suspicious")
    random = np.random.default_rng(0)
    for label, count in (("marked", 50), ("plain", 20)):
        (folder / label).mkdir()
        for index in range(count):
            picture = cv2.resize(random.uniform(30, 220, (5, 5, 3)), (80, 60)).astype(np.uint8)
            if label == "marked":
                picture[42:54, 4:16] = (0, 200, 0)
            cv2.imwrite(str(folder / label / f"{index:02d}.png"), picture)
    for source, copy in (("marked/00", "marked/copy"), ("plain/00", "marked/mislabelled")):
        picture = cv2.imread(str(folder / f"{source}.png"))
        cv2.imwrite(str(folder / f"{copy}.png"), picture[1:, 1:])
    (folder / "plain" / "broken.png").write_bytes(b"no image")
    return folder


@pytest.fixture(scope="session")
def inspection(suspicious: Path) -> Inspection:
    """What the check finds in them."""
    with quiet_reporter() as reporter:
        return inspect_dataset(str(suspicious), 0, reporter)
