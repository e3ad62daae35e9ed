"""Make the Debian package of the service, for a suite and an architecture, on any machine.

Usage: deb.py --wheel FILE [--architecture arm64] [--suite trixie] [--out DIR]

The package holds a whole environment at /opt/saliedge: an environment that is made on the device
when the package is configured would need the network there, and the packages that Debian has are
too old or missing (no LiteRT, no ONNX Runtime, another numpy). Debian's Python and what it sees
beside, Picamera2 above all, are used as they are, so each suite has a package of its own. Needs
dpkg-deb.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.emulate.device_sets import DEVICE_SETS  # noqa: E402
from edge_runtime import __version__  # noqa: E402
from edge_runtime.service import UnitOptions, unit_text  # noqa: E402

_SCRIPTS = ("postinst", "postrm", "prerm")
_CONFIGURATION = "/etc/saliedge/edge-infer.toml"
_CONTROL = """\
Package: saliedge
Version: {version}
Architecture: {architecture}
Maintainer: The saliedge authors <saliedge@localhost>
Installed-Size: {kilobytes}
Section: science
Priority: optional
Depends: python3 (>= {python}), python3 (<< {next_python}), libc6, libstdc++6, passwd, zlib1g
Suggests: python3-picamera2
Description: image classification that explains itself, beside a camera
 Runs INT8 models with learned quantisation ranges, and shows with each
 prediction what decided. For research use; what it shows is no diagnosis.
"""


def main() -> None:
    """Make the package that was asked for and print where it is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--wheel", type=Path, required=True, help="the wheel of this project")
    parser.add_argument("--architecture", choices=("amd64", "arm64"), default="arm64")
    parser.add_argument("--suite", choices=("bookworm", "trixie"), default="trixie")
    parser.add_argument("--extras", default="litert,mqtt,web", help="[%(default)s]")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder [dist]")
    chosen = parser.parse_args()
    os.umask(0o022)
    version = f"{__version__.replace('.dev', '~dev')}+{chosen.suite}"
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "saliedge"
        make_environment(chosen, root / "opt/saliedge")
        place_files(root)
        write_control(root, version, chosen.architecture, DEVICE_SETS[chosen.suite].python)
        chosen.out.mkdir(parents=True, exist_ok=True)
        target = chosen.out / f"saliedge_{version}_{chosen.architecture}.deb"
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", root, target],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    print(target)


def make_environment(chosen: argparse.Namespace, folder: Path) -> None:
    """Make what will be /opt/saliedge."""
    subprocess.run(
        [sys.executable, ROOT / ".ci/device_tree.py", "--architecture", chosen.architecture,
         "--suite", chosen.suite, "--wheel", chosen.wheel, "--extras", chosen.extras,
         "--system-site-packages", "--out", folder],
        check=True,
    )  # fmt: skip


def place_files(root: Path) -> None:
    """Place the commands, the unit, the configuration and the licence."""
    commands = root / "usr/bin"
    commands.mkdir(parents=True)
    for script in ("edge-infer", "saliedge"):  # "bench", a common word, stays in /opt
        (commands / script).symlink_to(f"/opt/saliedge/bin/{script}")
    # Its own user in place of one that systemd makes up: who installs models can be that user.
    options = UnitOptions("/opt/saliedge/bin/edge-infer", _CONFIGURATION, user="saliedge")
    units = root / "usr/lib/systemd/system"
    units.mkdir(parents=True)
    (units / "saliedge.service").write_text(unit_text(options))
    configuration = root / _CONFIGURATION.lstrip("/")
    configuration.parent.mkdir(parents=True)
    shutil.copy(ROOT / ".ci/deb/edge-infer.toml", configuration)
    documents = root / "usr/share/doc/saliedge"
    documents.mkdir(parents=True)
    shutil.copy(ROOT / "LICENSE", documents / "copyright")


def write_control(root: Path, version: str, architecture: str, python: str) -> None:
    """Write what dpkg has to know, and the scripts that it runs."""
    size = sum(path.lstat().st_size for path in root.rglob("*") if path.is_file())
    major, minor = python.split(".")
    control = root / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(
        _CONTROL.format(
            version=version,
            architecture=architecture,
            kilobytes=size // 1024,
            python=python,
            next_python=f"{major}.{int(minor) + 1}",
        )
    )
    (control / "conffiles").write_text(f"{_CONFIGURATION}\n")
    for script in _SCRIPTS:
        shutil.copy(ROOT / ".ci/deb" / script, control / script)
        (control / script).chmod(0o755)


if __name__ == "__main__":
    main()
