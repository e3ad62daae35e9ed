"""Images and containers without a daemon: buildah builds, podman and runc run.

Base images come from mmdebstrap, so that no image registry is needed. Containers run in a user
namespace of their own (:mod:`tests.docker.user_namespace`), where arm64 is emulated.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.emulate.cache import cache_root, cached_folder
from benchmarks.emulate.processors import PROCESSORS
from benchmarks.emulate.tools import run_tool
from tests.docker import user_namespace
from tests.wheel import ROOT

__all__ = ["PROGRAMS", "Containers", "base_image", "user_namespace_process"]

PROGRAMS = {
    "buildah": "buildah",
    "catatonit": "catatonit",
    "mmdebstrap": "mmdebstrap",
    "podman": "podman",
    "qemu-aarch64-static": "qemu-user-static",
    "runc": "runc",
}
"""Program -> Debian package that installs it."""

MEMORY_MB = 256
CLOSED = (
    "--network=none", "--read-only", "--read-only-tmpfs=false", "--cap-drop=all",
    "--security-opt=no-new-privileges", f"--memory={MEMORY_MB}m", f"--memory-swap={MEMORY_MB}m",
    # Below what this machine allows, which need not be podman's default.
    "--ulimit=nofile=1024:1024", "--ulimit=nproc=512:512",
)  # fmt: skip
"""Options of a container that may do no more than the edge image needs."""

_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Nothing takes so long; on a busy host dpkg under emulation needs a quarter of an hour.
_MOST_SECONDS = 3600


def base_image() -> Path:
    """Return Debian trixie for this machine's processor as an archive, made once."""

    def build(folder: Path) -> None:
        run_tool(
            ["mmdebstrap", "--variant=minbase", "--include=ca-certificates", "trixie",
             folder / "base.tar"],
            "make the base image",
        )  # fmt: skip

    return cached_folder(cache_root().parent / "containers", "base", ["trixie"], build) / "base.tar"


@contextmanager
def user_namespace_process() -> Iterator[int]:
    """Hold a user namespace open; gives a process in it."""
    command = [sys.executable, user_namespace.__file__, "sh", "-c", "echo $$; exec cat"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:  # ends with its input, and so with the tests
        assert holder.stdout is not None
        yield int(holder.stdout.readline())
        holder.communicate()


@dataclass(frozen=True)
class Containers:
    """A storage of images, which keeps layers between runs, and a folder for what runs.

    Attributes:
        storage: Where images lie.
        run: Where the state of containers lies.
        scratch: A folder for files that builds and containers see.
        namespace: Process whose user namespace they run in; all of them in the same one, since
            nobody may end processes of another.
    """

    storage: Path
    run: Path
    scratch: Path
    namespace: int

    @property
    def platform(self) -> str:
        """What images call the processor of this machine."""
        return {"aarch64": "arm64", "x86_64": "amd64"}[os.uname().machine]

    def import_once(self, archive: Path, name: str, *options: str) -> str:
        """Bring an archive of the cache into the storage, if it is not there; gives its name."""
        image = f"localhost/{name}:{archive.parent.name}"
        if self.podman("image", "exists", image, check=False).returncode:
            self.podman("import", *options, archive, image)
        return image

    def build(self, dockerfile: str, name: str, platform: str, **arguments: str) -> str:
        """Build an image of the checkout and return its name.

        Args:
            dockerfile: File in ``docker/``.
            name: What to call it.
            platform: ``amd64`` or ``arm64``.
            arguments: Build arguments.
        """
        base = self.import_once(base_image(), "saliedge-base")
        # pip reads /etc/pip.conf: this machine's certificates may name an index of its own.
        pip = self.scratch / "pip.conf"
        pip.write_text("[global]\ncert = /run/certificates.crt\n")
        arguments = {"BASE": base, "BUILDPLATFORM": f"linux/{self.platform}", **arguments}
        command = [
            *self._with_storage("buildah"), "bud", "--layers", "--pull-never", "--network=host",
            "--isolation=chroot", "--format=docker", f"--platform=linux/{platform}",
            *(f"--build-arg={key}={value}" for key, value in arguments.items()),
            f"--volume={_CERTIFICATES}:/run/certificates.crt:ro",
            f"--volume={pip}:/etc/pip.conf:ro",
            f"--file={ROOT / 'docker' / dockerfile}", f"--tag={name}", str(ROOT),
        ]  # fmt: skip
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
        return name

    def podman(
        self, *arguments: str | Path, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run podman in the namespace and wait for it."""
        ended = subprocess.run(
            self._podman(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=_MOST_SECONDS,
        )  # fmt: skip
        assert not check or ended.returncode == 0, ended.stdout + ended.stderr
        return ended

    def wait_for_output(self, container: str, text: str) -> None:
        """Wait until a container has written a line that holds a text; fail if it ends before."""
        command = self._podman("logs", "--follow", container)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as following:
            assert any(text in line for line in following.stdout or ()), f"{text} was not written"
            following.kill()

    def _podman(self, *arguments: str | Path) -> list[str]:
        return [
            "nsenter", f"--target={self.namespace}", "--user", "--mount",
            *self._with_storage("podman"), "--runtime=runc", *map(str, arguments),
        ]  # fmt: skip

    def options(self, platform: str) -> list[str]:
        """Return the options of a closed container, and what an emulated one has to see.

        Engines choose kernels by /proc/cpuinfo and /sys, where the emulator shows the host's.
        """
        if platform == self.platform:
            return [*CLOSED]
        processor = "cortex-a72"
        files = self.scratch / processor
        for path, content in PROCESSORS[processor].system_files().items():
            (files / path).parent.mkdir(parents=True, exist_ok=True)
            (files / path).write_text(content)
        places = ("proc/cpuinfo", "sys/devices/system/cpu")
        volumes = [f"--volume={files / place}:/{place}:ro" for place in places]
        # As process 1, which signals of its own cannot end, a crashed emulator would hang.
        return [*CLOSED, *volumes, f"--env=QEMU_CPU={processor}", "--init"]

    def image(self, name: str) -> dict[str, Any]:
        """Return what podman knows of an image."""
        (record,) = json.loads(self.podman("image", "inspect", name).stdout)
        return record

    @contextmanager
    def files(self, name: str) -> Iterator[Path]:
        """Show the files of an image."""
        storage = self._with_storage("podman")
        folder = run_tool([*storage, "image", "mount", name], "mount an image").strip()
        try:
            yield Path(folder)
        finally:
            run_tool([*storage, "image", "unmount", name], "unmount an image")

    def _with_storage(self, program: str) -> list[str]:
        return [
            program, f"--root={self.storage}", f"--runroot={self.run}", "--storage-driver=overlay",
        ]  # fmt: skip
