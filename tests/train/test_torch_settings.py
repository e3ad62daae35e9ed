"""What a run asks of torch, seen on a CPU: formats, kernels, and that all is put back."""

from __future__ import annotations

import os

import pytest
import torch

from edge_runtime.errors import UsageError
from train.torch_settings import autocast_dtype, torch_settings

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def state() -> dict[str, object]:
    """All that the settings may touch."""
    backends = torch.backends
    return {
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn_only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "cudnn": (backends.cudnn.deterministic, backends.cudnn.benchmark),
        "cublas": os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
        "float32": (
            backends.cuda.matmul.allow_tf32,
            backends.cudnn.allow_tf32,
            torch.get_float32_matmul_precision(),
        ),
    }


@pytest.mark.parametrize("deterministic", [False, True])
def test_all_is_put_back(deterministic: bool) -> None:
    before = state()
    with torch_settings(1, deterministic=deterministic):
        assert state() != before
    assert state() == before


def test_float32_is_never_tf32_even_where_somebody_allowed_it() -> None:
    torch.set_float32_matmul_precision("high")
    try:
        with torch_settings(1):
            assert state()["float32"] == (False, False, "highest")
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_deterministic_holds_the_libraries_of_a_gpu_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with torch_settings(1, deterministic=True):
        found = state()
    assert (found["cudnn"], found["cublas"]) == ((True, False), ":4096:8")


def test_a_workspace_that_the_user_chose_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    with torch_settings(1, deterministic=True):
        assert state()["cublas"] == ":16:8"
    assert state()["cublas"] == ":16:8"


def overwrite() -> None:
    """An operation of which torch has no deterministic kernel, on a CPU either."""
    torch.zeros(3).put_(torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))


def test_an_operation_without_a_deterministic_kernel_is_told_or_refused() -> None:
    with torch_settings(1), pytest.warns(UserWarning, match="put_"):
        overwrite()
    with (
        pytest.raises(UsageError, match="put_ has no deterministic form"),
        torch_settings(1, deterministic=True),
    ):
        overwrite()


@pytest.mark.parametrize(
    ("precision", "device", "has_bfloat16", "expected"),
    [
        ("auto", CPU, True, None),
        ("float32", CPU, True, None),
        ("mixed", CPU, False, torch.bfloat16),
        ("auto", GPU, True, torch.bfloat16),
        ("auto", GPU, False, torch.float16),
        ("mixed", GPU, False, torch.float16),
        ("float32", GPU, True, None),
    ],
)
def test_the_format_follows_the_device(
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
    device: torch.device,
    has_bfloat16: bool,
    expected: torch.dtype | None,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: has_bfloat16)
    assert autocast_dtype(precision, device) == expected  # type: ignore[arg-type]
