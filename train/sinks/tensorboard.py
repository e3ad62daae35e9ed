"""TensorBoard events in the folder of the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from train.sinks.base import RunSink

__all__ = ["TensorBoardSink"]


class TensorBoardSink(RunSink):
    """Scalars and notes by epoch; a resumed run hides the epochs that it does again."""

    def __init__(self, folder: Path, epochs_done: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=epochs_done + 1)

    def begin(self, parameters: Mapping[str, str], artifacts: tuple[Path, ...]) -> None:
        """See :class:`RunSink`; the configuration is shown as text."""
        lines = "".join(f"    {name} = {value}\n" for name, value in parameters.items())
        self._writer.add_text("config", lines)
        self._writer.flush()

    def epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        """See :class:`RunSink`."""
        for name, value in figures.items():
            self._writer.add_scalar(name, value, epoch)
        self._writer.flush()

    def note(self, epoch: int, sentence: str) -> None:
        """See :class:`RunSink`."""
        self._writer.add_text("watch", sentence, epoch)
        self._writer.flush()

    def close(self, *, finished: bool) -> None:
        """See :class:`RunSink`."""
        self._writer.close()
