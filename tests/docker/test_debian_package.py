"""The Debian package on a Debian system for arm64: installed, run as its user, removed, purged."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_runtime.service import UnitOptions, unit_text
from tests.docker.debian_system import system_archive
from tests.requirements import require_program
from tests.wheel import ROOT, build_wheel

pytestmark = pytest.mark.docker

SUITES = ("bookworm", "trixie")
# Every path but those of the kernel and of dpkg's own records, and the accounts.
_LISTING = """
import json, os
paths = sorted(os.path.join(folder, name) for folder, folders, files in os.walk("/")
               for name in folders + files)
skipped = ("/proc", "/sys", "/dev", "/run", "/var/lib/dpkg/", "/var/log", "/tmp")
# What passwd keeps of its last change, and the lock that every change takes.
skipped += ("/etc/passwd-", "/etc/group-", "/etc/shadow", "/etc/gshadow", "/etc/.pwd.lock")
print(json.dumps([[path for path in paths if not path.startswith(skipped)],
                  open("/etc/passwd").read(), open("/etc/group").read()]))
"""


@pytest.fixture(scope="module", params=SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    """A Debian release, whose Python the package is made for."""
    return str(request.param)


@pytest.fixture(scope="module")
def package(suite: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_program("dpkg-deb", "dpkg")
    folder = tmp_path_factory.mktemp("deb")
    wheel = build_wheel(folder)
    ended = subprocess.run(
        [sys.executable, ROOT / ".ci/deb.py", "--wheel", wheel, "--architecture", "arm64",
         "--suite", suite, "--extras", "litert", "--out", folder],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return Path(ended.stdout.strip())


@pytest.fixture(scope="module")
def system(containers, suite, package, toy_bundle, frames):
    """Function that runs a command in a system that lives as long as these tests."""
    image = containers.import_once(system_archive(suite), "saliedge-system", "--arch=arm64")
    # It is a computer to administer, not a closed service.
    options = [
        option for option in containers.options("arm64")
        if not option.startswith(("--read-only", "--cap-drop", "--security-opt", "--memory"))
    ]  # fmt: skip
    container = containers.podman(
        # Debian's own modules, which an unconfigured Python has not compiled, stay as they are.
        "run", "--detach", *options, "--env=PYTHONDONTWRITEBYTECODE=1",
        f"--volume={package.parent}:/packages:ro",
        f"--volume={toy_bundle}:/bundle:ro", f"--volume={frames}:/frames:ro",
        image, "python3", "-c", "import signal; signal.pause()",
    ).stdout.strip()  # fmt: skip

    def run(*command: str, user: str = "root", check: bool = True):
        return containers.podman("exec", f"--user={user}", container, *command, check=check)

    yield run
    containers.podman("rm", "--force", "--time=0", container)


@pytest.fixture(scope="module")
def untouched(system) -> str:
    """What is on the system before the package."""
    return system("python3", "-c", _LISTING).stdout


@pytest.fixture(scope="module")
def installed(system, untouched, package) -> Callable:
    """The same function once the package is installed."""
    system("dpkg", "--install", f"/packages/{package.name}")
    return system


def test_its_user_may_read_cameras_and_own_its_models(installed):
    assert installed("id", "--name", "--groups", "saliedge").stdout.split() == ["saliedge", "video"]
    state = installed("stat", "--format=%U %G %a", "/var/lib/saliedge").stdout
    assert state.split() == ["saliedge", "saliedge", "750"]


def test_it_classifies_as_its_user_from_bytecode(installed):
    ended = installed(
        "edge-infer", "--bundle", "/bundle", "--source", "/frames", "--jsonl", "-", user="saliedge"
    )
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [line["engine"] for line in lines] == ["litert"] * 6
    compiled = installed("find", "/opt/saliedge", "-path", "*/edge_runtime/__pycache__/cli.*.pyc")
    assert compiled.stdout.strip() != ""


def test_its_unit_is_that_of_the_service_command(installed):
    unit = installed("cat", "/usr/lib/systemd/system/saliedge.service").stdout
    assert unit == unit_text(
        UnitOptions(
            "/opt/saliedge/bin/edge-infer", "/etc/saliedge/edge-infer.toml", user="saliedge"
        )
    )


def test_removed_it_leaves_configuration_and_models_and_purged_nothing(installed, untouched):
    installed("sh", "-c", "echo '# mine' >> /etc/saliedge/edge-infer.toml")
    installed("touch", "/var/lib/saliedge/model", user="saliedge")
    installed("dpkg", "--remove", "saliedge")
    kept = installed("cat", "/etc/saliedge/edge-infer.toml").stdout
    assert kept.endswith("# mine\n")
    assert installed("ls", "/var/lib/saliedge").stdout == "model\n"
    assert installed("ls", "/opt/saliedge", check=False).returncode != 0
    installed("dpkg", "--purge", "saliedge")
    paths, *accounts = json.loads(installed("python3", "-c", _LISTING).stdout)
    paths_before, *accounts_before = json.loads(untouched)
    assert set(paths) ^ set(paths_before) == set()
    assert accounts == accounts_before
