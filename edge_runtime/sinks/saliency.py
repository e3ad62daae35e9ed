"""Raw saliency maps as ``.npy`` files."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.classifier import Prediction
from edge_runtime.files import atomic_write_bytes, atomic_write_text, refuse_existing
from edge_runtime.sinks.base import FrameFiles, Sink

__all__ = ["MAPPING_FILE", "SaliencyFolderSink"]

MAPPING_FILE = "mapping.json"


class SaliencyFolderSink(Sink):
    """A folder of ``.npy`` files, float32 ``[h, w]``, exactly as the graph gave them.

    Paths mirror the source's (see :class:`~edge_runtime.sinks.base.FrameFiles`). Beside them
    ``mapping.json`` tells, for each frame size that occurred, where the maps lie in the frame.
    Each file is whole when it appears, so there is nothing to undo at the end.

    Args:
        folder: The folder; made if missing.
        mode: ``gradient``, ``gradient-early`` or ``cam``.
        bundle_sha256: Identity of the bundle.
        force: Write into a folder that is not empty.

    Raises:
        OutputError: The folder is not empty and ``force`` is not given, or cannot be written.
    """

    def __init__(self, folder: Path, mode: str, bundle_sha256: str, force: bool = False) -> None:
        """Begin the folder and ``mapping.json``.

        Its head has ``saliency`` (the mode), ``bundle_sha256`` (identity of the bundle) and
        ``meaning`` (how a place on the map becomes one in the frame).
        """
        refuse_existing(folder, force)
        self._folder = folder
        self._files = FrameFiles(folder, ".npy")
        self._mappings: dict[str, dict[str, Any]] = {}
        self._head = {
            "saliency": mode,
            "bundle_sha256": bundle_sha256,
            "meaning": "frame = offset + scale * map, in coordinates where pixel i covers [i, i+1)",
        }
        self._write_mappings()

    def write(self, prediction: Prediction, picture: NDArray[np.uint8] | None) -> None:
        """Write the map of one frame, if it has one."""
        saliency = prediction.saliency
        if saliency is None:
            return
        buffer = io.BytesIO()
        np.save(buffer, np.ascontiguousarray(saliency, dtype=np.float32), allow_pickle=False)
        path = self._files.path(prediction.frame)
        atomic_write_bytes(path, buffer.getbuffer(), durable=False)
        height, width = prediction.frame.image.shape[:2]
        key = f"{height}x{width}"
        if key not in self._mappings:
            self._mappings[key] = {
                "frame_hw": [height, width],
                "map_hw": list(saliency.shape),
                **prediction.mapping.to_json(),
            }
            self._write_mappings()

    def close(self, keep: bool) -> None:
        """Do nothing: every file is in place already."""

    def _write_mappings(self) -> None:
        record = {**self._head, "frames": self._mappings}
        atomic_write_text(self._folder / MAPPING_FILE, json.dumps(record, indent=1) + "\n")
