"""The measuring process of ``bench`` whose probe does nothing, for ``bare_loop.py``.

python -m benchmarks.studies.unprobed_worker
"""

from __future__ import annotations

from benchmarks import worker

__all__ = ["main"]


def main() -> None:
    """Serve one task; see :mod:`benchmarks.worker`."""
    # In the worker's own module, so that it measures as it always does.
    vars(worker)["MachineProbe"] = lambda: lambda: None
    worker.main()


if __name__ == "__main__":
    main()
