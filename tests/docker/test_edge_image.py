"""The edge image, run for real: read-only, without capabilities and network, in little memory."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import pytest

from edge_runtime.errors import GateError
from edge_runtime.infer.cli import main as edge_infer
from tests.commands import runner
from tests.docker.conftest import EXTRAS
from tests.docker.containers import MEMORY_MB

pytestmark = pytest.mark.docker

MOST_BYTES = {"arm64": 330e6}
"""Platform -> most bytes of its image, unpacked."""
_ELF_MACHINES = {"amd64": 62, "arm64": 183}
_NOT_ON_A_DEVICE = re.compile(
    r"(?:.*-)?(?:gcc|cc|c\+\+|ld|make|apt|apt-get|dpkg|sh|bash|dash|pip3?|wget|curl)(?:[-.0-9]*)"
)
# What a process is and may do, as the kernel says.
_STATE = """
import json, os, pathlib
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
limits = ["/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory.max"]
def writable(folder):
    try:
        pathlib.Path(folder, "probe").write_text("")
    except OSError:
        return False
    return True
print(json.dumps({
    "user": [os.getuid(), os.getgid()],
    "capabilities": [status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")],
    "limit": [open(path).read().strip() for path in limits if os.path.exists(path)],
    "network": sorted(os.listdir("/sys/class/net")),
    "writable": [folder for folder, _, _ in os.walk("/") if not folder.startswith(("/proc", "/sys"))
                 and writable(folder)],
}))
"""


@pytest.fixture
def lines_here(toy_bundle: Path, frames: Path, tmp_path: Path, capsys):
    """Function that returns the predictions of this machine with an engine."""

    def predict(engine: str) -> list[dict]:
        out = tmp_path / "here.jsonl"
        ended = runner(edge_infer, capsys)(
            "--bundle", toy_bundle, "--source", frames, "--engine", engine,
            "--saliency", "gradient", "--jsonl", out,
        )  # fmt: skip
        assert ended.code == 0, ended.err
        return [json.loads(line) for line in out.read_text().splitlines()]

    return predict


@pytest.mark.parametrize("engine", ["onnx", "litert"])
def test_it_classifies_a_folder_as_this_machine_does(edge, toy_bundle, frames, lines_here, engine):
    if engine not in EXTRAS[edge.platform].split(","):
        pytest.skip(f"the image for {edge.platform} is built without {engine}")
    ended = edge.run(
        "--bundle", "/bundle", "--source", "/frames", "--engine", engine,
        "--saliency", "gradient", "--jsonl", "-",
        options=(f"--volume={toy_bundle}:/bundle:ro", f"--volume={frames}:/frames:ro"),
    )  # fmt: skip
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    wanted = lines_here(engine)
    assert len(found) == 6
    for key in ("source", "label", "probabilities", "engine"):
        assert [line[key] for line in found] == [line[key] for line in wanted]


def test_it_runs_as_a_user_that_may_do_nothing(edge):
    state = json.loads(edge.python(_STATE))
    assert state["user"] == [10001, 10001]
    assert set(state["capabilities"]) == {"0000000000000000"}
    assert state["network"] == ["lo"]
    assert state["limit"] == [str(MEMORY_MB << 20)]
    # The volume of the models; /dev/shm and the like are the container's memory, not its files.
    assert [path for path in state["writable"] if not path.startswith("/dev")] == [
        "/var/lib/saliedge"
    ]


def test_nothing_in_it_builds_installs_or_interprets_but_python(edge):
    with edge.containers.files(edge.name) as root:
        names = [path.relative_to(root) for path in root.rglob("*") if not path.is_dir()]
        programs = [path for path in names if path.parent.name in ("bin", "sbin", "libexec")]
        assert [path for path in programs if _NOT_ON_A_DEVICE.fullmatch(path.name)] == []
        assert {"pip", "setuptools", "wheel", "torch", "onnx"} & {path.name for path in names} == (
            set()
        )
        left = ("var/cache/apt", "var/lib/apt", "root/.cache", "tmp", "usr/share/man")
        assert [path for path in left if any((root / path).glob("*"))] == []


def test_every_program_and_library_is_of_its_platform(edge):
    machines = set()
    with edge.containers.files(edge.name) as root:
        for path in root.rglob("*"):
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as file:
                    head = file.read(20)
                if head.startswith(b"\x7fELF"):
                    machines.add(struct.unpack_from("<H", head, 18)[0])
    assert machines == {_ELF_MACHINES[edge.platform]}


def test_every_module_is_compiled(edge):
    with edge.containers.files(edge.name) as root:
        (site,) = root.glob("opt/saliedge/lib/python*/site-packages")
        (standard,) = root.glob("usr/lib/python3.*")
        for folder in (site / "edge_runtime", site / "numpy/_core", standard / "json", standard):
            sources = {path.stem for path in folder.glob("*.py")}
            compiled = {path.name.split(".")[0] for path in folder.glob("__pycache__/*.pyc")}
            assert sources - compiled == set()


def test_its_health_is_that_of_the_run(edge, toy_bundle):
    podman = edge.containers.podman
    kind, *check = edge.containers.image(edge.name)["Healthcheck"]["Test"]
    assert kind == "CMD"
    options = (*edge.containers.options(edge.platform), f"--volume={toy_bundle}:/bundle:ro")
    container = podman(
        "run", "--detach", *options, edge.name, "--bundle", "/bundle",
        "--source", "synthetic:?fps=5", "--jsonl", "-", "--metrics", "127.0.0.1:9464",
    ).stdout.strip()  # fmt: skip

    def healthy() -> int:
        # Not `podman healthcheck run`, whose time is too short for a busy emulator.
        return podman("exec", container, *check, check=False).returncode

    try:
        assert healthy() == GateError.exit_code
        edge.containers.wait_for_output(container, "probabilities")
        assert healthy() == 0
        podman("stop", "--time=30", container)
        # Ended in order by SIGTERM, as docs/how-to/device.md has it.
        assert podman("inspect", "--format={{.State.ExitCode}}", container).stdout.strip() == "143"
    finally:
        podman("rm", "--force", "--time=0", container)


def test_it_says_what_is_in_it(edge):
    labels = edge.containers.image(edge.name)["Config"]["Labels"]
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.revision"] == "test"
    with edge.containers.files(edge.name) as root:
        bill = json.loads((root / "usr/share/saliedge/sbom.cdx.json").read_text())
        records = root.glob("opt/saliedge/lib/python*/site-packages/*.dist-info/METADATA")
        installed = {_field(record.read_text(), "Name") for record in records}
        packages = {_field(path.read_text(), "Package")
                    for path in (root / "var/lib/dpkg/status.d").iterdir()}  # fmt: skip
        copyrights = {path.parent.name for path in root.glob("usr/share/doc/*/copyright")}
    assert {component["name"] for component in bill["components"]} == installed
    assert {"saliedge", "numpy", "ai-edge-litert"} <= {name.lower() for name in installed}
    assert {"libc6", "libssl3t64", "libpython3.13-stdlib"} <= packages
    assert copyrights <= packages


def test_its_size(edge, capsys):
    size = edge.containers.image(edge.name)["Size"]
    with capsys.disabled():
        print(f"\n{edge.platform} with {EXTRAS[edge.platform]}: {size / 1e6:.0f} MB unpacked")
    assert size <= MOST_BYTES.get(edge.platform, 500e6)


def _field(text: str, name: str) -> str:
    return re.search(rf"^{name}: (\S+)", text, re.MULTILINE)[1]
