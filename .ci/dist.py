"""Build the sdist and the wheel, the same bytes from the same commit, on every machine.

Usage: dist.py [--out DIR] [--source DIR]

The files are those of the last commit (or of `--source`, a folder that nothing else writes to), and
every date is the commit's, or SOURCE_DATE_EPOCH where that is set. `build` makes the wheel from the
sdist. setuptools stamps the sdist with the builder's clock, user and file modes, so its archive is
written anew without them. Needs git and the packages `build` and `setuptools`.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Build into the folder that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder [dist]")
    parser.add_argument("--source", type=Path, help="folder to build [the last commit]")
    arguments = parser.parse_args()
    os.umask(0o022)  # what is unpacked and generated on the way gets modes that end in the wheel
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct"))
    with tempfile.TemporaryDirectory() as name:
        source, built = Path(name) / "saliedge", Path(name) / "built"
        if arguments.source is None:
            source.mkdir()
            with tarfile.open(fileobj=io.BytesIO(git("archive", "HEAD"))) as archive:
                archive.extractall(source, filter="data")
        else:
            shutil.copytree(arguments.source, source)
        normalize_modes(source)
        subprocess.run(
            [sys.executable, "-m", "build", "--no-isolation", "--outdir", built, source],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "SOURCE_DATE_EPOCH": str(epoch)},
        )
        arguments.out.mkdir(parents=True, exist_ok=True)
        for path in sorted(built.iterdir()):
            target = arguments.out / path.name
            data = path.read_bytes()
            target.write_bytes(normalized_sdist(data, epoch) if path.suffix == ".gz" else data)
            print(target)


def git(*arguments: str) -> bytes:
    """What git prints about this checkout."""
    return subprocess.run(
        ["git", "-C", ROOT, *arguments], check=True, stdout=subprocess.PIPE
    ).stdout


def normalize_modes(folder: Path) -> None:
    """Give every file the mode that git knows: executable or not."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def normalized_sdist(data: bytes, epoch: int) -> bytes:
    """A .tar.gz with the same files in order, all of one date and of nobody."""
    tar = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(data)) as old,
        tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            content = old.extractfile(member) if member.isfile() else None
            member.mtime, member.uid, member.gid = epoch, 0, 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, content)
    return gzip.compress(tar.getvalue(), mtime=epoch)


if __name__ == "__main__":
    main()
