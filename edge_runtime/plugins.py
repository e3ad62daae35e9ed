"""Parts that other installed packages add, found by their entry points.

A package names what it adds in its ``pyproject.toml``, one group for each kind of part:

    [project.entry-points."saliedge.cameras"]
    microscope = "clinic_microscope:open_microscope"

What an entry point has to name is said at each of :data:`EXTENSION_POINTS`. Nothing is looked for
while a name is one of this project's own, so that a device starts no later for it. Nothing is
imported before the user has named it, and a bundle cannot name one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from edge_runtime.errors import DependencyError, SaliedgeError
from edge_runtime.quick_dataclass import dataclass

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "ATTRIBUTION",
    "BACKBONES",
    "CAMERAS",
    "ENGINES",
    "EXTENSION_POINTS",
    "SINKS",
    "ExtensionPoint",
    "Plugin",
    "find_plugin",
    "installed_plugins",
    "names_of_plugins",
]

_LONGEST_REASON = 200


@dataclass(frozen=True)
class ExtensionPoint:
    """A kind of part that a package can add.

    Attributes:
        group: Of the entry points.
        noun: What one such part is called in messages.
    """

    group: str
    noun: str


BACKBONES = ExtensionPoint("saliedge.backbones", "backbone")
"""A ``train.backbones.Backbone`` for ``saliedge train --backbone NAME``."""

CAMERAS = ExtensionPoint("saliedge.cameras", "camera")
"""A function ``(specification: str, options: CameraOptions) -> Source`` for ``--camera NAME`` and
``--camera NAME:ANYTHING``, which is the specification."""

ENGINES = ExtensionPoint("saliedge.engines", "engine")
"""A subclass of ``edge_runtime.engines.Engine`` with ``graph_format`` for ``--engine NAME``, made
with ``(name, graph, model, threads)`` as ``OnnxEngine`` is. It runs only if it is named."""

SINKS = ExtensionPoint("saliedge.sinks", "sink")
"""A function ``(argument: str, force: bool) -> Sink`` for ``edge-infer --sink NAME=ARGUMENT``."""

ATTRIBUTION = ExtensionPoint("saliedge.attribution", "saliency method")
"""A function ``(network, image, class_index) -> maps`` as those of ``train.attribution`` for
``saliedge evaluate RUN --saliency NAME``."""

EXTENSION_POINTS = (BACKBONES, CAMERAS, ENGINES, SINKS, ATTRIBUTION)
"""All that can be added."""


@dataclass(frozen=True)
class Plugin:
    """One part of another package, not imported yet.

    Attributes:
        point: What kind of part it is.
        name: How the user calls it.
        package: Name and version of the distribution that it is from.
        entry_point: Where its object is.
    """

    point: ExtensionPoint
    name: str
    package: str
    entry_point: EntryPoint

    def load(self, expected: str, fits: Callable[[Any], bool]) -> Any:
        """Import what the entry point names.

        Args:
            expected: What that has to be, in words, e.g. ``a function``.
            fits: Whether it is that.

        Raises:
            DependencyError: It cannot be imported or is something else; the sentence names the
                package.
        """
        try:
            found = self.entry_point.load()
        except Exception as error:
            raise self.broken(f"cannot be loaded ({_reason(error)})") from error
        if not fits(found):
            raise self.broken(f"is {self.entry_point.value}, which is not {expected}")
        return found

    def make(self, kind: type, *arguments: object) -> Any:
        """Call the function or class that the entry point names.

        Args:
            kind: What comes back.
            arguments: What it is called with.

        Raises:
            DependencyError: It cannot be imported, fails, or gives something else; the sentence
                names the package.
            SaliedgeError: What the package itself tells the user.
        """
        function = self.load("a function or class", callable)
        try:
            made = function(*arguments)
        except SaliedgeError:
            raise
        except Exception as error:
            raise self.broken(f"cannot be opened ({_reason(error)})") from error
        if not isinstance(made, kind):
            raise self.broken(f"gave a {type(made).__name__} instead of a {kind.__name__}")
        return made

    def broken(self, problem: str) -> DependencyError:
        """Return the error that says what is wrong with this part, and whose it is."""
        return DependencyError(
            f"The {self.point.noun} {self.name!r} of the installed package {self.package} "
            f"{problem}; update or uninstall that package."
        )


def find_plugin(point: ExtensionPoint, name: str) -> Plugin | None:
    """Look for a part in the metadata of what is installed; nothing is imported.

    Raises:
        DependencyError: Two packages call one by that name.
    """
    found = [plugin for plugin in installed_plugins(point) if plugin.name == name]
    if len(found) > 1:
        packages = " and ".join(plugin.package for plugin in found)
        raise DependencyError(
            f"There are two {point.noun}s {name!r}, of the installed packages {packages}; "
            "uninstall one."
        )
    return found[0] if found else None


def installed_plugins(point: ExtensionPoint) -> tuple[Plugin, ...]:
    """Return the parts of one kind that installed packages add, by name; nothing is imported."""
    from importlib.metadata import entry_points

    return tuple(
        sorted(
            (
                Plugin(point, entry.name, _package(entry), entry)
                for entry in entry_points(group=point.group)
            ),
            key=lambda plugin: (plugin.name, plugin.package),
        )
    )


def names_of_plugins(point: ExtensionPoint) -> tuple[str, ...]:
    """Return what can be named besides this project's own parts, for a message."""
    return tuple(dict.fromkeys(plugin.name for plugin in installed_plugins(point)))


def _package(entry: EntryPoint) -> str:
    return "of unknown name" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:_LONGEST_REASON].rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
