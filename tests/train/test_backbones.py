from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from edge_runtime.errors import ArtifactError, UsageError
from train.backbones import BACKBONES, build
from train.quantization import QuantizationConfig, QuantizedNetwork


@pytest.mark.parametrize("name", list(BACKBONES))
def test_every_backbone_folds_into_a_network_with_the_same_logits(name: str) -> None:
    torch.manual_seed(0)
    backbone = BACKBONES[name]
    module = backbone.make(3).eval()
    config = QuantizationConfig(input_mean=backbone.input_mean, input_std=backbone.input_std)
    network = QuantizedNetwork.from_model(module, 64, 64, config)
    image = torch.randint(0, 256, (2, 3, 64, 64)).float()
    with torch.no_grad():
        expected = module((image - backbone.input_mean) / backbone.input_std)
        torch.testing.assert_close(network(image), expected, rtol=1e-3, atol=1e-4)


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


def test_an_unknown_backbone_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match="small_cnn"):
        build("vgg16", 3, "none")


class _Malicious:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path(self.path),)  # type: ignore[return-value]
