"""Peak memory of ``edge-infer`` beside a camera, on virtual devices with little of it.

    make dist
    python -m benchmarks.studies.device_memory dist/saliedge-*.whl

A whole arm64 device boots for each amount of memory (:mod:`benchmarks.vm`), with cores like those
of a Pi 3 and a Zero 2 W (Cortex-A53), and runs ``edge-infer --camera 0 --serve`` for some frames of
640 x 480 in each engine with and without maps. The network is EfficientNet-Lite0 with random
weights. Writes the figures beside earlier ones of other machines and inputs, and the table on the
page that shows them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks.emulate.cache import cache_root
from benchmarks.emulate.device_sets import DEVICE_SETS
from benchmarks.studies.arm64_pages import MEMORY, write_pages
from benchmarks.studies.untrained import write_untrained
from benchmarks.vm.image import build_image
from benchmarks.vm.installation import copy_folder, install_package
from benchmarks.vm.machine import Hardware, Machine
from benchmarks.vm.memory import Peak, joined, measure_peaks, peaks_text, read_peaks
from edge_runtime.command_settings import SETTINGS
from edge_runtime.errors import run_command
from edge_runtime.files import atomic_write_text

__all__ = ["device_memory"]

_NETWORK = "efficientnet_lite0"
_PROCESSOR = "cortex-a53"


@click.command("device_memory", context_settings=SETTINGS)
@click.argument("wheel", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--memory", "memories_mib", multiple=True, type=int, default=(512, 1024),
              show_default=True, help="MiB of a machine; repeat it.")  # fmt: skip
@click.option("--size", "sides", multiple=True, type=int, default=(160, 224), show_default=True,
              help="Side of the network's input; repeat it.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), default=MEMORY, show_default=True)
def device_memory(
    wheel: Path, memories_mib: Sequence[int], sides: Sequence[int], out: Path
) -> None:
    """Measure the peak memory of edge-infer, installed from WHEEL."""
    image = build_image(DEVICE_SETS["bookworm"], cache_root())
    earlier = read_peaks(out) if out.exists() else ()
    peaks: list[Peak] = []
    with (
        tempfile.TemporaryDirectory(prefix="saliedge-vm-") as name,
        Machine(image, Path(name)) as machine,
    ):
        bundles = {side: Path(name) / f"{_NETWORK}-{side}.edge" for side in sides}
        for side, bundle in bundles.items():
            write_untrained(_NETWORK, side, bundle)
        there: dict[int, str] = {}
        for memory_mib in memories_mib:
            machine.boot(Hardware(_PROCESSOR, memory_mb=memory_mib))
            if not there:
                install_package(machine.agent, wheel)
                there = {
                    side: copy_folder(machine.agent, bundle, "/root/bundles")
                    for side, bundle in bundles.items()
                }
            for side, path in there.items():
                peaks += measure_peaks(machine.agent, _PROCESSOR, memory_mib, path, side)
                # After each, since it takes long, and what was measured is kept.
                atomic_write_text(out, peaks_text(joined(earlier, peaks)))
                click.echo(f"{memory_mib} MB, {side} x {side}: done")
            machine.shut_down()
    if out == MEMORY:
        write_pages()


if __name__ == "__main__":
    run_command(device_memory, None, name="device_memory")
