"""Whether the machines of a cluster can run trials: asked before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_runtime.errors import DataError, DependencyError
from train.run.progress import Reporter
from train.study.provenance import code_version
from train.sweep.cluster import Machine
from train.sweep.worker import Node, probe

__all__ = ["Images", "check_machines", "only_on"]


@dataclass(frozen=True)
class Images:
    """The images of a sweep: where they are, and the hash of their listing."""

    source: str
    listing_sha256: str


def check_machines(
    ray: Any, able: Sequence[Machine], images: Images, out: Path, mark: str, reporter: Reporter
) -> None:
    """Ask every machine what it has, before anything is trained.

    Args:
        ray: connected.
        able: machines that trials may run on.
        images: what they have to see.
        out: folder of the sweep.
        mark: name of a file in it.
        reporter: told what is no error.

    Raises:
        DataError: a machine does not see the images.
        DependencyError: a machine lacks saliedge, or has other code than this one.
    """
    reporter.start("asking the machines", len(able))
    here = code_version()
    asked = [
        ray.remote(probe)
        .options(num_cpus=0, max_retries=0, scheduling_strategy=only_on(machine.node_id))
        .remote(images.source, out, mark)
        for machine in able
    ]
    apart = []
    for done, (machine, answer) in enumerate(zip(able, asked, strict=True), start=1):
        node = _answer(ray, machine, answer)
        if node.problem:
            raise DataError(
                f"the machine {machine.address} does not see the images ({node.problem.rstrip('.')}"
                "); put them where all machines of the cluster see them under one path."
            )
        if node.listing_sha256 != images.listing_sha256:
            raise DataError(
                f"the machine {machine.address} sees other images at {images.source} than this "
                "one; put them where all machines of the cluster see them under one path."
            )
        if node.code["sources_sha256"] != here["sources_sha256"]:
            raise DependencyError(
                f"the machine {machine.address} has saliedge {node.code['saliedge']}, which is not "
                f"the same code as this one's {here['saliedge']}; install the same on all."
            )
        if node.code["torch"] != here["torch"]:
            reporter.message(
                f"{machine.address} has torch {node.code['torch']} and this machine {here['torch']}"
                ": results may differ in their last digits."
            )
        if not node.shares:
            apart.append(machine.address)
        reporter.advance(done)
    if apart:
        reporter.message(
            f"{out} is not shared with {', '.join(apart)}: finished runs are brought "
            "here, and a trial whose machine dies begins anew."
        )


def _answer(ray: Any, machine: Machine, answer: Any) -> Node:
    try:
        found: Node = ray.get(answer)
    except ray.exceptions.RayError as error:
        reason = str(error).strip().splitlines()[-1]
        raise DependencyError(
            f"the machine {machine.address} cannot run trials ({reason}); install "
            "'saliedge[train,ray]' there, the same version as here."
        ) from error
    return found


def only_on(node_id: str) -> Any:
    """The scheduling strategy of a task or actor that belongs to one machine."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node_id=node_id, soft=False)
