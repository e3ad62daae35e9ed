from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from edge_runtime.errors import ArtifactError, UsageError
from train.backbones import build


def test_the_package_has_all_weights_of_efficientnet_lite0_but_the_classifier() -> None:
    torch.manual_seed(0)
    first = build("efficientnet_lite0", 5, "package").state_dict()
    torch.manual_seed(1)
    second = build("efficientnet_lite0", 5, "package").state_dict()
    differing = [name for name in first if not torch.equal(first[name], second[name])]
    assert differing == ["classifier.weight"]
    assert not first["classifier.bias"].any()
    assert first["classifier.weight"].shape == (5, 1280)


def test_batch_norm_of_efficientnet_lite0_has_the_epsilon_it_was_trained_with() -> None:
    module = build("efficientnet_lite0", 2, "none")
    assert {m.eps for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)} == {1e-3}


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_weights_load_by_name_from_a_file(tmp_path: Path, suffix: str) -> None:
    torch.manual_seed(0)
    source = build("small_cnn", 4, "none").state_dict()
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pt":
        torch.save({"state_dict": source}, path)
    else:
        save_file(source, path)
    loaded = build("small_cnn", 3, str(path)).state_dict()
    assert torch.equal(loaded["stem.0.weight"], source["stem.0.weight"])
    assert loaded["classifier.weight"].shape == (3, 48)


def test_weights_load_where_every_name_has_a_prefix(tmp_path: Path) -> None:
    source = build("small_cnn", 4, "none").state_dict()
    save_file(
        {f"module.{name}": value for name, value in source.items()}, tmp_path / "w.safetensors"
    )
    loaded = build("small_cnn", 3, str(tmp_path / "w.safetensors")).state_dict()
    assert torch.equal(loaded["stages.2.1.second.0.weight"], source["stages.2.1.second.0.weight"])


def test_weights_load_in_order_from_a_torch_file_with_other_names(tmp_path: Path) -> None:
    source = build("small_cnn", 4, "none").state_dict()
    renamed = {key.replace("stage", "block"): value for key, value in source.items()}
    torch.save(renamed, tmp_path / "w.pt")
    loaded = build("small_cnn", 3, str(tmp_path / "w.pt")).state_dict()
    assert torch.equal(loaded["stages.2.1.second.0.weight"], source["stages.2.1.second.0.weight"])


def test_weights_of_a_timm_network_load_whatever_its_classifier_is_called(tmp_path: Path) -> None:
    source = build("timm:regnetx_002", 7, "none").state_dict()
    without_counters = {k: v for k, v in source.items() if not k.endswith("num_batches_tracked")}
    save_file(without_counters, tmp_path / "w.safetensors")
    torch.manual_seed(0)
    fresh = build("timm:regnetx_002", 7, "none").state_dict()
    torch.manual_seed(0)
    loaded = build("timm:regnetx_002", 7, str(tmp_path / "w.safetensors")).state_dict()
    kept = [name for name in without_counters if not torch.equal(loaded[name], source[name])]
    assert kept == ["head.fc.weight"]
    assert torch.equal(loaded["head.fc.weight"], fresh["head.fc.weight"])


class HeadFirst(torch.nn.Module):
    """Its classifier is not the last layer that it defines."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.head = torch.nn.Linear(4, classes)
        self.body = torch.nn.Conv2d(3, 4, 3)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(image).mean((2, 3)))


def test_weights_of_a_users_network_load_wherever_its_classifier_stands(tmp_path: Path) -> None:
    name = f"{__name__}:HeadFirst"
    source = HeadFirst(1000)
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    loaded = build(name, 3, str(tmp_path / "w.safetensors"))
    assert torch.equal(loaded.body.weight, source.body.weight)
    assert loaded.head.weight.shape == (3, 4)


def test_a_width_needs_weights_of_that_width(tmp_path: Path) -> None:
    save_file(build("small_cnn", 3, "none").state_dict(), tmp_path / "one.safetensors")
    save_file(build("small_cnn", 3, "none", 0.5).state_dict(), tmp_path / "half.safetensors")
    build("small_cnn", 3, str(tmp_path / "half.safetensors"), 0.5)
    with pytest.raises(ArtifactError, match="do not fit small_cnn"):
        build("small_cnn", 3, str(tmp_path / "one.safetensors"), 0.5)


@pytest.mark.parametrize("name", ["resnet18", "timm:resnet18"])
def test_there_is_a_package_for_efficientnet_lite0_only(name: str) -> None:
    with pytest.raises(UsageError, match="no package with weights"):
        build(name, 3, "package")


class TestBadWeights:
    def test_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ArtifactError, match="no weights at"):
            build("small_cnn", 3, str(tmp_path / "gone.safetensors"))

    @pytest.mark.parametrize("name", ["noise.safetensors", "noise.pt"])
    def test_a_file_that_is_something_else(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_bytes(b"not weights at all")
        with pytest.raises(ArtifactError, match=name) as caught:
            build("small_cnn", 3, str(tmp_path / name))
        assert "\n" not in str(caught.value)

    def test_a_pickle_with_code_is_not_run(self, tmp_path: Path) -> None:
        marker = tmp_path / "ran"
        torch.save(_Malicious(str(marker)), tmp_path / "evil.pt")
        with pytest.raises(ArtifactError, match=r"evil\.pt"):
            build("small_cnn", 3, str(tmp_path / "evil.pt"))
        assert not marker.exists()

    def test_weights_of_another_network(self, tmp_path: Path) -> None:
        save_file(build("small_cnn", 3, "none").state_dict(), tmp_path / "small.safetensors")
        with pytest.raises(ArtifactError, match="do not fit resnet18"):
            build("resnet18", 3, str(tmp_path / "small.safetensors"))


class _Malicious:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path(self.path),)  # type: ignore[return-value]
