"""Make a device's environment of the wheel: a folder that works once it lies at /opt/saliedge.

Usage: device_tree.py --architecture arm64 --suite trixie --wheel FILE --out DIR

It is laid out as a virtual environment of the suite's own Python and is made by placing files
alone, on any processor: containers and Debian packages hold it. Versions are those of the suite's
device set, and of constraints.txt for what the set does not name.
"""

from __future__ import annotations

import argparse
import configparser
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.emulate.device_sets import DEVICE_SETS, DeviceSet  # noqa: E402
from benchmarks.emulate.userland import install_wheels  # noqa: E402

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""Debian's name of an architecture -> that of wheels."""

_SCRIPT = """\
#!{prefix}/bin/python
import sys
from {module} import {function}
sys.exit({function}())
"""


def main() -> None:
    """Make the folder that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--architecture", choices=MACHINES, required=True)
    parser.add_argument("--suite", choices=("bookworm", "trixie"), required=True)
    parser.add_argument("--wheel", type=Path, required=True, help="the wheel of this project")
    parser.add_argument("--extras", default="litert", help="of the wheel [litert]")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    parser.add_argument("--prefix", default="/opt/saliedge", help="where it will lie [%(default)s]")
    parser.add_argument("--system-site-packages", action="store_true", help="see Debian's packages")
    parser.add_argument("--compile", action="store_true", help="store bytecode (same Python only)")
    chosen = parser.parse_args()
    device_set = DEVICE_SETS[chosen.suite]
    site = chosen.out / f"lib/python{device_set.python}/site-packages"
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(pins(device_set)))
        constraints.flush()
        install_wheels(
            device_set,
            [f"{chosen.wheel.resolve()}[{chosen.extras}]"],
            site,
            machine=MACHINES[chosen.architecture],
            constraints=Path(constraints.name),
        )
    # pip's scripts start the Python that installed them.
    shutil.rmtree(site / "bin", ignore_errors=True)
    make_environment(chosen.out, device_set.python, chosen.system_site_packages)
    write_scripts(chosen.out / "bin", site, chosen.prefix)
    if chosen.compile:
        compile_bytecode(chosen.out, device_set.python, chosen.prefix)


def pins(device_set: DeviceSet) -> list[str]:
    """Return the requirements that fix every version: the device set's before the workstation's."""
    names = {_name(requirement) for requirement in device_set.requirements}
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return [
        *device_set.requirements,
        *(line for line in lines if not line.startswith("#") and _name(line) not in names),
    ]


def make_environment(folder: Path, python: str, system_site_packages: bool) -> None:
    """Make a folder with packages a virtual environment of Debian's Python."""
    (folder / "bin").mkdir()
    (folder / "bin/python").symlink_to(f"/usr/bin/python{python}")
    (folder / "pyvenv.cfg").write_text(
        f"home = /usr/bin\n"
        f"include-system-site-packages = {str(system_site_packages).lower()}\n"
        f"version = {python}\n"
    )


def write_scripts(folder: Path, site: Path, prefix: str) -> None:
    """Write the commands that the project's wheel declares."""
    (declared,) = site.glob("saliedge-*.dist-info/entry_points.txt")
    parser = configparser.ConfigParser()
    parser.read_string(declared.read_text())
    for name, target in parser["console_scripts"].items():
        module, _, function = target.partition(":")
        script = folder / name
        script.write_text(_SCRIPT.format(prefix=prefix, module=module, function=function))
        script.chmod(0o755)


def compile_bytecode(folder: Path, python: str, prefix: str) -> None:
    """Compile every module, so that a file system that is read-only costs no compiling."""
    if python != f"{sys.version_info[0]}.{sys.version_info[1]}":
        sys.exit(f"Only Python {python} can compile for Python {python}; leave out --compile.")
    subprocess.run(
        # By what a file held when it was compiled, not by dates, which images and archives change.
        [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash",
         "-s", folder, "-p", prefix, folder / "lib"],
        check=True,
    )  # fmt: skip


def _name(requirement: str) -> str:
    """Return the name of a requirement, as the index compares names."""
    return re.sub(r"[-_.]+", "-", re.split(r"[=<>!~\[; ]", requirement)[0]).lower()


if __name__ == "__main__":
    main()
