"""One process of a training that a test starts.

    python -m tests.train.parallel_run CONFIG RUN [double] [fail=EPOCH:RANK]

Beside the run, each process leaves the tensors that it ended with, in ``RUN.rankN.safetensors``.

``double`` computes in double precision. Sums over two parts of a batch round differently from one
over all of it, in float32 about 1e-7; that tips single activations to the next integer, so that a
mistake could not be told from an unlucky rounding. In double precision nothing tips.

``fail`` lets one process meet a full disk when it has done that many epochs.
"""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import click
import torch
from safetensors.torch import save_file

from edge_runtime.errors import run_command
from train.config import from_toml
from train.loop.session import Session
from train.loop.trainer import train
from train.parallel import process_group
from train.quantization import QuantizedNetwork
from train.run.directory import RunDirectory
from train.run.progress import plain_reporter


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("options", nargs=-1)
def main(config: Path, run: Path, options: tuple[str, ...]) -> None:
    if "double" in options:
        torch.set_default_dtype(torch.float64)
        torch.Tensor.float = torch.Tensor.double
        from_model = QuantizedNetwork.from_model
        QuantizedNetwork.from_model = lambda *arguments: from_model(*arguments).double()
    failing = [option.removeprefix("fail=") for option in options if option.startswith("fail=")]
    with process_group() as processes, plain_reporter() as reporter:
        save_state = Session.save_state

        def save_both(session: Session, phase: str, epochs: int, *rest: object) -> None:
            save_state(session, phase, epochs, *rest)
            tensors = {k: v.detach().contiguous() for k, v in rest[-1].tensors().items()}
            save_file(tensors, run.with_name(f"{run.name}.rank{processes.rank}.safetensors"))
            if f"{epochs}:{processes.rank}" in failing:
                raise OSError(errno.ENOSPC, "no space", str(run))

        Session.save_state = save_both
        resolved = from_toml(config.read_text(encoding="utf-8"), str(config))
        train(resolved, RunDirectory(run), reporter, processes=processes)


if __name__ == "__main__":
    run_command(main, sys.argv[1:], name="parallel_run")
