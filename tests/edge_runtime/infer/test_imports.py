"""What a plain run imports: the loop, its engine, and nothing that only other runs need.

Most of the time until the first prediction is imports, on a small board seconds of them.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from edge_runtime import installed_engines

RUN = """
import json, sys
from edge_runtime.infer.cli import infer
infer(sys.argv[1:], standalone_mode=False)
print(json.dumps(sorted(sys.modules)))
"""
OWN = {
    *(
        "__init__",
        "classifier",
        "command_settings",
        "closing",
        "errors",
        "evidence",
        "files",
        "first_use",
        "image_files",
    ),
    *(
        "leftovers",
        "map_grid",
        "messages",
        "option_group",
        "plugin_choice",
        "plugins",
        "preprocessing",
        "quick_dataclass",
        "record",
    ),
    *("interval", "region_of_interest", "saliency", "smooth_grad", "supported_system"),
    *("assessment", "assessment.assessor", "assessment.calm_label", "assessment.familiarity"),
    *("bundle", "bundle.formats", "bundle.graphs", "bundle.operating_point", "bundle.reader"),
    *("bundle.records", "bundle.schema", "bundle.trust"),
    *("engines", "engines.base", "engines.registry"),
    *(
        "infer",
        "infer.cli",
        "infer.collector",
        "infer.config_file",
        "infer.console",
        "infer.input",
        "infer.loop",
    ),
    *("infer.model", "infer.options", "infer.output_options", "infer.page"),
    *("infer.page_options", "infer.run", "infer.service", "infer.statistics", "infer.stopping"),
    *(
        "models",
        "models.loading",
        "models.state_directory",
        "models.trust",
        "service",
        "service.notify",
    ),
    *("sinks", "sinks.base", "sinks.json_lines"),
    *("sources", "sources.base", "sources.feed", "sources.files", "sources.frame_pool"),
    *("sources.latest", "sources.opencv", "sources.specification", "sources.synthetic"),
    "sources.video",
}
"""Modules of this project that a run over a film loads with any engine."""

OF_ENGINE = {"onnx": {"engines.onnx", "engines.onnx_files"}, "litert": {"engines.tflite"}}
ELSEWHERE = {
    *("asyncio", "concurrent.futures", "cryptography", "difflib", "email", "http"),
    *(
        "importlib.metadata",
        "multiprocessing",
        "PIL",
        "secrets",
        "socket",
        "ssl",
        "starlette",
        "subprocess",
        "tempfile",
    ),
    *("tomllib", "uvicorn", "xml"),
}
"""Packages that other runs need: a service, a page, a store, pictures, a plug-in."""


@pytest.fixture(scope="module", params=[name for name in installed_engines() if name in OF_ENGINE])
def loaded(request, tiny_bundle_path, film, tmp_path_factory):
    """An engine and the modules that a run over a film has loaded in the end."""
    path = tmp_path_factory.mktemp("film") / "film.avi"
    film(path, 2)
    command = [sys.executable, "-c", RUN, "--bundle", tiny_bundle_path, "--engine", request.param]
    output = path.with_name("out.jsonl")
    ended = subprocess.run(
        [*command, "--source", path, "--jsonl", output], check=True, capture_output=True, text=True
    )
    return request.param, json.loads(ended.stdout.splitlines()[-1])


def test_of_this_project_only_the_parts_of_the_run(loaded):
    engine, modules = loaded
    own = {name.partition(".")[2] or "__init__" for name in modules if _is_in(name, "edge_runtime")}
    assert own == OWN | OF_ENGINE[engine]


def test_of_other_packages_nothing_that_other_runs_need(loaded):
    _, modules = loaded
    assert [name for name in modules if any(_is_in(name, other) for other in ELSEWHERE)] == []


def _is_in(name, package):
    return name == package or name.startswith(f"{package}.")
