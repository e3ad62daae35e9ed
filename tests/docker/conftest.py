"""The edge image for both architectures, built once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.emulate.cache import cache_root
from edge_runtime.synthetic import write_dataset
from tests.docker.containers import PROGRAMS, Containers, user_namespace_process
from tests.requirements import require, require_program

EXTRAS = {"arm64": "litert,mqtt,web", "amd64": "onnx,litert,mqtt,web"}
"""Platform -> extras of its image: the default on a Pi, both engines on x86."""


@dataclass(frozen=True)
class EdgeImage:
    """An edge image and how to run it.

    Attributes:
        containers: Where it lies.
        name: What it is called.
        platform: ``amd64`` or ``arm64``.
    """

    containers: Containers
    name: str
    platform: str

    def run(self, *arguments: str | Path, options: tuple[str, ...] = (), check: bool = True):
        """Run it closed; ``arguments`` go to its entry point."""
        return self.containers.podman(
            "run", "--rm", *self.containers.options(self.platform), *options, self.name, *arguments,
            check=check,
        )  # fmt: skip

    def python(self, code: str) -> str:
        """Run Python in it and return what that prints."""
        return self.run("-c", code, options=("--entrypoint=python",)).stdout


@pytest.fixture(scope="session")
def containers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Containers]:
    for program, package in PROGRAMS.items():
        require_program(program, package)
    require("root", os.geteuid() == 0, "run as root, to map the users of images")
    storage = cache_root().parent / "containers" / "storage"
    storage.mkdir(parents=True, exist_ok=True)
    with user_namespace_process() as process:
        # podman wants its folder of state at one place for as long as the storage lives.
        state = Path("/run/saliedge-containers")
        found = Containers(storage, state, tmp_path_factory.mktemp("containers"), process)
        yield found
        found.podman("rm", "--all", "--force", "--time=0", check=False)


@pytest.fixture(scope="session", params=EXTRAS)
def edge(request: pytest.FixtureRequest, containers: Containers) -> EdgeImage:
    """The edge image of a platform."""
    platform = request.param
    name = containers.build(
        "edge.Dockerfile", f"localhost/saliedge-edge:{platform}", platform,
        EXTRAS=EXTRAS[platform], VERSION="0", REVISION="test",
    )  # fmt: skip
    return EdgeImage(containers, name, platform)


@pytest.fixture(scope="session")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six synthetic pictures; read-only."""
    folder = tmp_path_factory.mktemp("frames")
    write_dataset(folder, count=6, seed=3, size=96)
    return folder / "images"
