"""Public names of a package whose modules are imported when a name is first used (PEP 562).

A device starts with what its run needs: a package that offers many parts must not load them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["import_on_first_use"]


def import_on_first_use(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package.

    Args:
        package: Its ``__name__``.
        homes: Public name -> module that defines it. No name may be that of a module of the
            package, which is found in its place once it is imported.
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return find
