"""Whose models a device runs: those that a configured key signed, or any if none is configured."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edge_runtime.bundle.reader import Bundle

__all__ = ["Verify", "signature_check"]

Verify = Callable[[Bundle], None]
"""Raises ``SignatureError`` if nobody who is trusted signed the bundle."""


def signature_check(
    public_keys: Sequence[str] = (), environment: Mapping[str, str] = os.environ
) -> Verify:
    """Return the check that every bundle of this device has to pass before it is loaded.

    Args:
        public_keys: Files of the trusted keys; those in ``SALIEDGE_PUBLIC_KEY`` (separated by
            colons) if there are none. Without either every bundle passes.
        environment: Environment variables.

    Raises:
        SignatureError: A key cannot be used. It is no reason to run what nobody vouches for.
        DependencyError: The ``sign`` extra is not installed.
    """
    named = public_keys or tuple(
        path for path in environment.get("SALIEDGE_PUBLIC_KEY", "").split(":") if path
    )
    if not named:
        return _anything
    from edge_runtime.bundle.keys import load_public_key

    keys = [load_public_key(Path(path)) for path in named]

    def verify(bundle: Bundle) -> None:
        bundle.verify_signature(keys)

    return verify


def _anything(_bundle: Bundle) -> None:
    """Let every bundle pass."""
