"""The average of the weights, and a learner that goes on as if it had never stopped."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from train.loop.adaptive_threshold import AdaptiveThreshold
from train.loop.learner import Learner
from train.loop.weight_average import WeightAverage

FORMATS = (None, torch.bfloat16, torch.float16)


class TestWeightAverage:
    def test_it_follows_the_formula(self) -> None:
        model = nn.Linear(1, 1, bias=False)
        start = expected = 0.5
        nn.init.constant_(model.weight, start)
        average = WeightAverage(model, decay=0.25)
        for step in range(1, 6):
            with torch.no_grad():
                model.weight.fill_(start + step)
            average.update()
            decay = min(0.25, (1 + step) / (10 + step))
            expected = decay * expected + (1 - decay) * (start + step)
        with average.applied():
            assert float(model.weight.detach()) == pytest.approx(expected, rel=1e-6)
        assert float(model.weight.detach()) == start + 5

    def test_a_short_run_forgets_where_it_started(self) -> None:
        model = nn.Linear(1, 1, bias=False)
        nn.init.constant_(model.weight, 100.0)
        average = WeightAverage(model, decay=0.999)
        nn.init.constant_(model.weight, 1.0)
        for _ in range(30):
            average.update()
        average.adopt()
        assert float(model.weight.detach()) == pytest.approx(1.0, abs=0.1)

    def test_batch_norm_counts_stay_whole_and_its_statistics_are_averaged(self) -> None:
        model = nn.BatchNorm1d(2)
        average = WeightAverage(model, decay=0.5)
        for _ in range(3):
            model(torch.randn(8, 2) + 5)
            average.update()
        live = model.running_mean.clone()
        with average.applied():
            assert int(model.num_batches_tracked) == 3
            assert (model.running_mean < live).all()


class TestLearner:
    @staticmethod
    def learner(autocast: torch.dtype | None = None) -> Learner:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(2))
        model(torch.zeros(2, 3, 6, 6))
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        return Learner(
            model,
            optimizer,
            decay=0.9,
            follower=AdaptiveThreshold(0.5, target=0.1),
            autocast=autocast,
        )

    @staticmethod
    def train(learner: Learner, steps: range) -> None:
        for step in steps:
            image = torch.rand(4, 3, 6, 6, generator=torch.Generator().manual_seed(step))
            with learner.autocast():
                logits = learner.model(image)
            learner.descend(logits.float().square().mean(), clip_norm=1.0)
            assert isinstance(learner.follower, AdaptiveThreshold)
            learner.follower.update(0.02 * step)

    @pytest.mark.parametrize("autocast", FORMATS)
    def test_it_goes_on_to_the_bit(self, autocast: torch.dtype | None) -> None:
        whole, first, second = (self.learner(autocast) for _ in range(3))
        self.train(whole, range(6))
        self.train(first, range(3))
        first.keep()
        second.restore({name: value.clone() for name, value in first.tensors().items()})
        self.train(second, range(3, 6))
        found, expected = second.tensors(), whole.tensors()
        assert {name for name in found if not name.startswith("kept.")} == set(expected)
        assert all(torch.equal(found[name], value) for name, value in expected.items())

    @pytest.mark.parametrize("autocast", FORMATS)
    def test_it_multiplies_in_the_format_and_learns_in_float32(
        self, autocast: torch.dtype | None
    ) -> None:
        learner = self.learner(autocast)
        with learner.autocast():
            logits = learner.model(torch.rand(4, 3, 6, 6))
        assert logits.dtype == (autocast or torch.float32)
        before = learner.model[0].weight.clone()
        learner.descend(logits.float().square().mean(), clip_norm=1.0)
        assert learner.model[0].weight.dtype == torch.float32
        assert not torch.equal(learner.model[0].weight, before)

    def test_a_scaled_gradient_that_overflows_takes_no_step(self) -> None:
        learner = self.learner(torch.float16)
        before = learner.model[0].weight.clone()
        scale = learner.tensors()["scaler.scale"]
        with learner.autocast():
            loss = learner.model(torch.rand(4, 3, 6, 6)).sum() * 1e4
        learner.descend(loss.float(), clip_norm=1.0)
        assert torch.equal(learner.model[0].weight, before)
        assert learner.tensors()["scaler.scale"] == scale / 2

    def test_judging_leaves_no_trace(self) -> None:
        learner = self.learner()
        self.train(learner, range(3))
        before = {name: value.clone() for name, value in learner.tensors().items()}
        image = torch.rand(4, 3, 6, 6)
        with learner.judged():
            assert not learner.model.training
            judged = learner.model(image)
        assert learner.model.training
        assert all(torch.equal(before[name], value) for name, value in learner.tensors().items())
        learner.model.eval()
        assert not torch.equal(judged, learner.model(image))

    def test_it_returns_to_what_it_kept(self) -> None:
        learner = self.learner()
        learner.keep()
        kept = {name: value.clone() for name, value in learner.model.state_dict().items()}
        self.train(learner, range(2))
        learner.return_to_kept()
        now = learner.model.state_dict()
        assert all(torch.equal(now[name], value) for name, value in kept.items())
