"""A network of the user's: ``module:function``, importable from the current directory.

The function takes the number of classes and gives an ``nn.Module`` from a normalised image, float32
``[N, 3, H, W]``, to logits ``[N, classes]``. If it has a parameter ``width``, it has a width
multiplier. It is needed for the float phase only: a checkpoint holds the network's structure.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from edge_runtime.errors import UsageError
from train.backbones.backbone import Backbone
from train.source_lines import where_raised

__all__ = ["user_backbone"]


def user_backbone(name: str) -> Backbone:
    """Import the user's function.

    Args:
        name: ``module:function``.

    Raises:
        UsageError: there is no such module or function, or importing it fails; and, when the
            network is made, the function fails or gives something else than a module.
    """
    module_name, _, function_name = name.partition(":")
    function = _import(name, module_name, function_name)
    has_width = "width" in _parameters(function)

    def factory(classes: int, width: float = 1.0) -> nn.Module:
        options = {"width": width} if has_width else {}
        try:
            with _current_directory_importable():
                made = function(classes, **options)
        except Exception as error:
            raise UsageError(
                f"--backbone {name}: {function_name}({classes}) raised {where_raised(error)}; it "
                "is called with the number of classes."
            ) from error
        if not isinstance(made, nn.Module):
            raise UsageError(
                f"--backbone {name}: {function_name}({classes}) gave a {type(made).__name__}; it "
                "must return a torch.nn.Module."
            )
        return made

    return Backbone(name, factory, has_width=has_width)


def _import(name: str, module_name: str, function_name: str) -> Callable[..., Any]:
    try:
        with _current_directory_importable():
            module = importlib.import_module(module_name)
    except Exception as error:
        parents = module_name.split(".")
        own = {".".join(parents[: count + 1]) for count in range(len(parents))}
        if isinstance(error, ModuleNotFoundError) and error.name in own:
            raise UsageError(
                f"--backbone {name}: there is no Python module {error.name!r}, neither installed "
                f"nor in the current directory {Path.cwd()}; check the name before the colon."
            ) from error
        raise UsageError(
            f"--backbone {name}: importing {module_name} raised {where_raised(error)}; repair it."
        ) from error
    function: Any = getattr(module, function_name, None)
    if not callable(function):
        raise UsageError(
            f"--backbone {name}: the module {module_name} has no function {function_name!r}; it "
            "must have one that takes the number of classes and returns a torch.nn.Module."
        )
    return function  # type: ignore[no-any-return]


def _parameters(function: Callable[..., Any]) -> frozenset[str]:
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some callables of C have no signature
        return frozenset()


@contextmanager
def _current_directory_importable() -> Iterator[None]:
    """As with ``python -m``, and only for the time of the import and of the call."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        yield
    finally:
        sys.path.remove(here)
