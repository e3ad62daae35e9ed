"""One machine for all tests of this folder, on which saliedge was installed as docs/device.md says.

The tests change what runs on it and leave it working; none relies on what another has done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.emulate.cache import cache_root
from benchmarks.emulate.device_sets import DEVICE_SETS
from benchmarks.vm.image import build_image
from benchmarks.vm.installation import install_package, install_service
from benchmarks.vm.machine import Machine
from benchmarks.vm.tools import DEBIAN_PACKAGES, find_program
from edge_runtime.bundle import open_bundle
from tests.edge_runtime.models.bundles import write_named
from tests.requirements import require
from tests.vm.device import METRICS_PORT, PAGE_PORT, TOKEN, Device
from tests.wheel import build_wheel

CAMERA_SIZE_WH = (320, 180)
_OPTIONS: dict[str, str | int] = {
    "camera": "0",
    "camera-size": "{}x{}".format(*CAMERA_SIZE_WH),
    "reconnect": "always",
    "saliency": "cam",
    "trial-frames": 20,
    "jsonl": "/var/lib/saliedge/predictions.jsonl",
    "jsonl-max-bytes": 20_000_000,
    "metrics": f"0.0.0.0:{METRICS_PORT}",
    "serve": f"0.0.0.0:{PAGE_PORT}",
}


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    for program, package in DEBIAN_PACKAGES.items():
        require(program, find_program(program) is not None, f"apt-get install {package}")


@pytest.fixture(scope="session")
def device(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    """The device; its service runs the model of `tiny_bundle`, which has proved itself."""
    image = build_image(DEVICE_SETS["bookworm"], cache_root())
    wheel = build_wheel(tmp_path_factory.mktemp("wheel"))
    folder = tmp_path_factory.mktemp("vm")
    with Machine(image, folder, ports=(PAGE_PORT, METRICS_PORT)) as machine:
        machine.boot()
        device = Device(machine)
        install_package(machine.agent, wheel)
        install_service(machine.agent, _OPTIONS, TOKEN)
        bundle = device.copy_bundle(tiny_bundle)
        machine.agent.check("saliedge", "models", "install", bundle, "--use")
        # Comes back when the service says that it is ready.
        machine.agent.check("systemctl", "start", "saliedge")
        device.wait_until_good(open_bundle(tiny_bundle).sha256)
        yield device


@pytest.fixture
def first(device: Device, tiny_bundle: Path) -> str:
    """SHA-256 of the model with which the device began; it runs again."""
    sha256 = open_bundle(tiny_bundle).sha256
    selection = device.selection()
    if sha256 != (selection["trial"] or selection["good"]):
        device.agent.check("saliedge", "models", "use", sha256)
    device.wait_for_model(sha256)
    return sha256


@pytest.fixture
def new_bundle(tmp_path: Path) -> Callable[[str], tuple[Path, str]]:
    """Function that makes a good bundle of a name: new_bundle("second") -> its path and SHA-256."""

    def make(name: str) -> tuple[Path, str]:
        path = write_named(tmp_path / f"{name}.edge", name)
        return path, open_bundle(path).sha256

    return make
