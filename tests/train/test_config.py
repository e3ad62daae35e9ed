from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.errors import UsageError
from train.backbones import BACKBONES
from train.config import TrainConfig, from_toml, resolve, to_toml

DATA = {"data": {"source": "images"}}


def test_a_flag_beats_the_file_which_beats_the_recipe_which_beats_the_default(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.toml"
    path.write_text('[network]\nbackbone = "small_cnn"\n[optimizer]\nepochs = 7\nbatch_size = 8\n')
    config = resolve({**DATA, "optimizer": {"batch_size": 4}}, path)
    assert config.optimizer.batch_size == 4
    assert config.optimizer.epochs == 7
    assert config.network.height == 64
    assert config.guidance.k == 0.5


@pytest.mark.parametrize("backbone", list(BACKBONES))
def test_the_resolved_configuration_comes_back_from_its_file(backbone: str) -> None:
    source = 'odd "name" \\ ü\t'
    config = resolve({"data": {"source": source}, "network": {"backbone": backbone}})
    assert from_toml(to_toml(config), "run") == config


def test_a_whole_number_may_stand_for_a_float(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text("[guidance]\nlambda1 = 2\n")
    assert resolve(DATA, path).guidance.lambda1 == 2.0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[guidance\n", "not TOML"),
        ("epochs = 3\n", "outside a table"),
        ("[optimiser]\nepochs = 3\n", r"no table \[optimiser\]"),
        ("[optimizer]\nepoch = 3\n", "no entry 'epoch'"),
        ('[optimizer]\nepochs = "3"\n', "optimizer.epochs is '3'"),
        ("[optimizer]\nepochs = 3.5\n", "optimizer.epochs is 3.5"),
        ("[optimizer]\nepochs = -3\n", "0 or more"),
        ("[optimizer]\nepochs_float = 0\nepochs = 0\n", "no epochs"),
        ("[data]\nskip_bad = 1\n", "data.skip_bad is 1"),
        ("[data]\nfractions = [0.8, 0.3, 0.1]\n", "fractions"),
        ('[network]\nbackbone = "vgg"\n', "no backbone 'vgg'"),
        ("[network]\nheight = 98\n", "multiple of 4"),
        ("[quantization]\nactivation_bits = 3\n", "not supported"),
        ("[guidance]\nk = 1.5\n", "k is 1.5"),
        ('[run]\nprecision = "half"\n', "precision 'half' is not one of auto"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=named):
        resolve(DATA, path)


def rates(origin: TrainConfig | None = None, **tables: dict[str, object]) -> tuple[float, float]:
    """lr and lr_alpha of a run with these tables."""
    optimizer = resolve({**DATA, **tables}, origin=origin).optimizer
    return optimizer.lr, optimizer.lr_alpha


W4A4 = {"activation_bits": 4, "weight_bits": 4}
SMALL = {"backbone": "small_cnn"}


class TestRatesByWidth:
    @pytest.mark.parametrize(
        ("quantization", "expected"),
        [
            ({}, (1e-4, 1e-3)),
            (W4A4, (3e-4, 1e-2)),
            ({"activation_bits": 2, "weight_bits": 2}, (3e-4, 1e-2)),
            ({"weight_bits": 4}, (3e-4, 1e-3)),
            ({"activation_bits": 4}, (3e-4, 1e-2)),
            (W4A4 | {"activation_quantizer": "lsq"}, (3e-4, 1e-3)),
            (W4A4 | {"enabled": False}, (1e-4, 1e-3)),
        ],
    )
    def test_narrow_widths_learn_faster(
        self, quantization: dict[str, object], expected: tuple[float, float]
    ) -> None:
        assert rates(quantization=quantization) == expected

    def test_a_backbone_that_learns_faster_anyway_is_not_slowed_down(self) -> None:
        assert rates(network=SMALL, quantization=W4A4) == (5e-4, 1e-2)

    def test_what_is_given_is_taken(self) -> None:
        assert rates(quantization=W4A4, optimizer={"lr": 7e-5}) == (7e-5, 1e-2)

    def test_a_run_that_starts_from_another_gets_the_rates_of_its_own_widths(self) -> None:
        origin = resolve(DATA)
        assert rates(origin, quantization=W4A4) == (3e-4, 1e-2)
        narrow = resolve({**DATA, "quantization": W4A4})
        assert rates(narrow, quantization={"activation_bits": 8, "weight_bits": 8}) == (1e-4, 1e-3)
        assert rates(narrow) == (3e-4, 1e-2)

    def test_but_keeps_a_rate_that_was_chosen_for_the_other(self) -> None:
        origin = resolve({**DATA, "optimizer": {"lr": 2e-4}})
        assert rates(origin, quantization=W4A4) == (2e-4, 1e-2)


def test_data_must_be_named() -> None:
    with pytest.raises(UsageError, match="--data"):
        resolve({})


def test_guidance_that_is_off_asks_for_no_second_pass() -> None:
    config = resolve({**DATA, "guidance": {"enabled": False, "lambda2": 0.5}})
    assert config.guidance.effective.lambda1 == 0
    assert config.guidance.effective.lambda2 == 0
