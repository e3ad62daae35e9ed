"""The measuring process of ``bench`` with an engine that takes longer than it needs.

    python -m benchmarks.studies.slowed_worker 1.1

After each inference the processor is kept busy until that factor of its time is over. For
``live_trials.py``.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from benchmarks import worker
from edge_runtime.engines import Engine, Inference, open_engine

__all__ = ["slow_down"]


def slow_down(engine: Engine, factor: float) -> Engine:
    """Make each run of an engine take ``factor`` of its time, 1 or more."""
    run = engine.run

    def slowly(*arguments: Any) -> Inference:
        start = time.perf_counter_ns()
        result = run(*arguments)
        end = start + int(factor * (time.perf_counter_ns() - start))
        while time.perf_counter_ns() < end:
            pass
        return result

    engine.run = slowly  # type: ignore[method-assign, assignment]
    return engine


def main(factor: float) -> None:
    """Serve one task; see :mod:`benchmarks.worker`."""
    # In the worker's own module, so that it measures as it always does.
    vars(worker)["open_engine"] = lambda *arguments: slow_down(open_engine(*arguments), factor)
    worker.main()


if __name__ == "__main__":
    main(float(sys.argv[1]))
