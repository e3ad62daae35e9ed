"""The options of ``edge-infer`` as one checked record."""

from __future__ import annotations

from dataclasses import field

from edge_runtime.errors import UsageError
from edge_runtime.infer.output_options import OutputOptions
from edge_runtime.infer.page_options import PageOptions
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.sources.synthetic import SYNTHETIC_PREFIX

__all__ = ["TRIAL_FRAMES", "InferOptions"]

TRIAL_FRAMES = 100
"""Frames that a model on trial has to classify before it is the good one."""


@dataclass(frozen=True)
class InferOptions:
    """The options of the command, as given."""

    bundle: str | None
    state_dir: str | None
    public_key: tuple[str, ...]
    trial_frames: int
    camera: str | None
    camera_size: tuple[int, int] | None
    camera_fps: float | None
    camera_format: str | None
    reconnect: str
    stall_seconds: float
    source: str | None
    engine: str | None
    saliency: str | None
    saliency_class: str | None
    saliency_every: int
    saliency_copies: int
    calm_seconds: float
    calm_margin: float
    jsonl: str | None
    save_saliency: str | None
    save_overlay: str | None
    show: bool
    max_frames: int | None
    threads: int | None
    skip_bad: bool
    force: bool
    page: PageOptions = field(default_factory=PageOptions)
    outputs: OutputOptions = field(default_factory=OutputOptions)

    def __post_init__(self) -> None:
        if (self.camera is None) == (self.source is None):
            raise UsageError("Give either --camera or --source.")
        if self.camera is None and (self.camera_size, self.camera_fps, self.camera_format) != (
            None,
            None,
            None,
        ):
            raise UsageError("--camera-size, --camera-fps and --camera-format are for --camera.")
        if self.outputs.jsonl_max_bytes is not None and self.jsonl in (None, "-"):
            raise UsageError("--jsonl-max-bytes needs --jsonl FILE.")
        if self.saliency_copies and self.saliency_mode in ("cam", "none"):
            raise UsageError(
                "--saliency-copies averages gradients; give --saliency gradient or gradient-early."
            )
        if self.saliency == "none" and (self._writes_maps or self.saliency_class):
            raise UsageError(
                "--save-saliency, --save-overlay and --saliency-class need a map: leave "
                "out --saliency none."
            )

    @property
    def saliency_mode(self) -> str:
        """The mode asked for; ``auto`` if only an option that needs a map was given."""
        if self.saliency is not None:
            return self.saliency
        needs_map = self._writes_maps or self.show or self.saliency_class or self.page.serve
        return "auto" if needs_map else "none"

    @property
    def maps_for_page_only(self) -> bool:
        """Whether nobody but the viewers of the page would see a map."""
        asked_for = self._writes_maps or self.show or self.saliency is not None
        return self.page.serve is not None and not asked_for

    @property
    def paces_films(self) -> bool:
        """Whether somebody may look on; synthetic frames have a pace of their own (``fps``)."""
        looked_at = self.show or self.page.serve is not None
        return looked_at and not str(self.source).startswith(SYNTHETIC_PREFIX)

    @property
    def shows_predictions(self) -> bool:
        """Whether any option lets somebody see more of a frame than the summary does."""
        sent = self.outputs.mqtt is not None or self.outputs.metrics is not None
        seen = self.show or self.page.serve is not None or self.jsonl is not None
        return self._writes_maps or seen or sent or bool(self.outputs.sink)

    @property
    def _writes_maps(self) -> bool:
        return self.save_saliency is not None or self.save_overlay is not None
