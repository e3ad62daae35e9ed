"""The synthetic scene as a source, for users without a camera or data: it is no patient."""

from __future__ import annotations

import time
from collections.abc import Iterator

from edge_runtime.errors import UsageError
from edge_runtime.quick_dataclass import dataclass
from edge_runtime.sources.base import CaptureTime, Frame, Source
from edge_runtime.sources.frame_pool import FramePool

__all__ = ["SYNTHETIC_PREFIX", "SyntheticOptions", "SyntheticSource"]

SYNTHETIC_PREFIX = "synthetic:"
_MIN_SIDE = 32
_VIDEO_FPS = 25
_MAX_SIDE = 8192
_MAX_SEED = 2**64 - 1


@dataclass(frozen=True)
class SyntheticOptions:
    """What ``synthetic:?seed=7&width=640&height=480&frames=100&fps=25`` says.

    Attributes:
        seed: Seed of the scene.
        width: Frame width, pixels.
        height: Frame height, pixels.
        frames: Frames until the end; 0 for no end.
        fps: Frames a second, given like a live camera's: a late reader loses some. 0 for as fast
            as they are taken, none lost.
    """

    seed: int = 0
    width: int = 640
    height: int = 480
    frames: int = 0
    fps: int = 0

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            if not _MIN_SIDE <= getattr(self, name) <= _MAX_SIDE:
                raise UsageError(
                    f"The {name} of {SYNTHETIC_PREFIX} must be {_MIN_SIDE} to {_MAX_SIDE}."
                )
        for name in ("seed", "frames", "fps"):
            if getattr(self, name) < 0:
                raise UsageError(f"The {name} of {SYNTHETIC_PREFIX} must not be negative.")
        if self.seed > _MAX_SEED:
            raise UsageError(f"The seed of {SYNTHETIC_PREFIX} must be at most {_MAX_SEED}.")

    @classmethod
    def parse(cls, specification: str) -> SyntheticOptions:
        """Read a specification.

        Raises:
            UsageError: An unknown option, or a value that is no whole number in range.
        """
        from urllib.parse import parse_qsl

        query = specification.removeprefix(SYNTHETIC_PREFIX).removeprefix("?")
        known = ", ".join(cls.__dataclass_fields__)
        values: dict[str, int] = {}
        try:
            pairs = parse_qsl(query, strict_parsing=True) if query else []
            for name, value in pairs:
                if name not in cls.__dataclass_fields__:
                    raise ValueError(name)
                values[name] = int(value)
        except ValueError:
            raise UsageError(
                f"{specification!r} is not understood; write it as "
                f"'synthetic:?seed=7&width=640&height=480' with whole numbers for: {known}."
            ) from None
        return cls(**values)

    def __str__(self) -> str:
        from urllib.parse import urlencode

        changed = {
            name: getattr(self, name)
            for name, field in self.__dataclass_fields__.items()
            if getattr(self, name) != field.default
        }
        return SYNTHETIC_PREFIX + (f"?{urlencode(changed)}" if changed else "")


class SyntheticSource(Source):
    """Frames of :class:`edge_runtime.synthetic.SyntheticScene`."""

    def __init__(self, options: SyntheticOptions) -> None:
        from edge_runtime.synthetic import SyntheticScene

        self.name = str(options)
        self.live = options.fps > 0
        self.fps = float(options.fps) if options.fps else None
        self._options = options
        self._pool = FramePool()
        self._scene = SyntheticScene(options.seed, options.width, options.height)

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames; paced if ``fps`` is set."""
        start = time.monotonic()
        index = 0
        while not self._options.frames or index < self._options.frames:
            if self._options.fps:
                time.sleep(max(0.0, start + index / self._options.fps - time.monotonic()))
            buffer = self._pool.take(self._options.height, self._options.width)
            image = self._scene.frame(index, buffer)
            yield Frame(
                image=image,
                source=self.name,
                index=index,
                captured_at=CaptureTime.now(),
                stem="synthetic",
                video_seconds=None if self.live else index / _VIDEO_FPS,
                pool=self._pool,
            )
            index += 1
