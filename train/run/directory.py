"""The folder of a run: what is in it, and who may write there.

config.toml                     the resolved configuration
split.csv                       file, label, group, part
log.csv                         one line per epoch: losses, validation, rates, clips
ranges.csv                      alpha and clipped share of each site and epoch
findings.csv                    what the watch found: epoch, kind, sentence
float.safetensors, .json        the folded network after the warm-up, with its first clips
best.safetensors, .json         the best epoch, what is evaluated and exported
last.json, last-*.safetensors    what `--resume` goes on from
tensorboard/                    events, if TensorBoard is installed
mlflow.json                     the id of its MLflow run, if it is tracked
"""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.errors import ArtifactError, OutputError, UsageError
from edge_runtime.files import atomic_write_text
from train.config import TrainConfig, from_toml, to_toml
from train.data.split import Split

__all__ = ["RunDirectory"]

_FILES = (
    "config.toml",
    "split.csv",
    "log.csv",
    "ranges.csv",
    "findings.csv",
    "float.safetensors",
    "float.json",
    "best.safetensors",
    "best.json",
    "last.json",
    "mlflow.json",
)


@dataclass(frozen=True)
class RunDirectory:
    """Paths of one run."""

    path: Path

    @property
    def config(self) -> Path:
        """The resolved configuration; its presence makes a folder a run."""
        return self.path / "config.toml"

    @property
    def split(self) -> Path:
        """Which image is in which part."""
        return self.path / "split.csv"

    @property
    def log(self) -> Path:
        """One line per epoch."""
        return self.path / "log.csv"

    @property
    def ranges(self) -> Path:
        """One line per epoch and site."""
        return self.path / "ranges.csv"

    @property
    def findings(self) -> Path:
        """What the watch found, one line each."""
        return self.path / "findings.csv"

    @property
    def float_checkpoint(self) -> Path:
        """The folded float network after the warm-up."""
        return self.path / "float.safetensors"

    @property
    def best_checkpoint(self) -> Path:
        """The network to evaluate and export."""
        return self.path / "best.safetensors"

    @property
    def events(self) -> Path:
        """TensorBoard's folder."""
        return self.path / "tensorboard"

    @property
    def mlflow_record(self) -> Path:
        """Which MLflow run a resumed run goes on with."""
        return self.path / "mlflow.json"

    @property
    def resume_command(self) -> str:
        """What a person types to go on with the run."""
        return f"saliedge train --resume --out {shlex.quote(str(self.path))}"

    def check_free(self, force: bool) -> None:
        """Fail early where a new run may not be written.

        Raises:
            OutputError: the folder holds a run and ``force`` is False, or holds something else.
        """
        if not self.path.exists() or (self.path.is_dir() and not any(self.path.iterdir())):
            return
        if not self.path.is_dir() or not all(_is_of_run(entry) for entry in self.path.iterdir()):
            raise OutputError(
                f"{self.path} exists and is not a run of saliedge; choose another place for --out."
            )
        if not force:
            raise OutputError(
                f"{self.path} holds a run already; add --resume to go on with it, --force to "
                "replace it, or choose another place for --out."
            )

    def begin(self, config: TrainConfig, split: Split, force: bool) -> None:
        """Make the folder of a new run; with ``force``, remove the files of the run before.

        Only files that a run writes are removed. The configuration is written last, so that a
        folder with a configuration has a split.

        Raises:
            OutputError: see :meth:`check_free`, or the folder cannot be written.
        """
        self.check_free(force)
        for name in _FILES:
            (self.path / name).unlink(missing_ok=True)
        self.remove_leftovers()
        for stale in self.path.glob("last-*.safetensors"):
            stale.unlink()
        shutil.rmtree(self.events, ignore_errors=True)
        atomic_write_text(self.split, split.csv_text)
        atomic_write_text(self.config, to_toml(config))

    def remove_leftovers(self) -> None:
        """Remove temporary files that a killed run left behind."""
        for leftover in self.path.glob(".*.partial-*"):
            leftover.unlink()

    def read_config(self) -> TrainConfig:
        """The configuration of the run.

        Raises:
            ArtifactError: the folder is not a run, or its configuration is damaged.
        """
        if not self.config.is_file():
            raise ArtifactError(f"{self.path} is not a run of `saliedge train`; check the path.")
        try:
            text = self.config.read_text(encoding="utf-8")
            return from_toml(text, str(self.config))
        except (OSError, UnicodeDecodeError, UsageError) as error:
            raise ArtifactError(f"{self.config} cannot be read: {error}") from error


def _is_of_run(entry: Path) -> bool:
    name = entry.name
    is_state = name.startswith("last-") and name.endswith(".safetensors")
    return name in (*_FILES, "tensorboard") or is_state or ".partial-" in name
