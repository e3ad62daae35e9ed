"""One quantisation site: where an activation gets its learnable clip."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.quantization.calibration import RangeObserver
from train.quantization.fake_quantize import BackwardPass, activation_levels, pact

__all__ = ["Site"]

_SMALLEST_ALPHA = 1e-4


class Site(nn.Module):
    """The native activation in float, PACT when quantising.

    The logits' site passes the gradient where it clips: a saturated score must still be explained.

    Attributes:
        alpha: the learnable clip, float32 scalar.
        bits: width.
        signed: whether negative values are kept.
        pass_clipped: whether the gradient passes where the value is clipped.
        observer: collects activations while the network is calibrated.
    """

    def __init__(
        self, bits: int, signed: bool, state: BackwardPass, *, pass_clipped: bool = False
    ) -> None:
        super().__init__()
        self.bits, self.signed, self.pass_clipped, self._state = bits, signed, pass_clipped, state
        self.alpha = nn.Parameter(torch.tensor(0.0))
        self.observer: RangeObserver | None = None

    @property
    def levels(self) -> int:
        """The largest integer of the site."""
        return activation_levels(self.bits, self.signed)

    @property
    def scale(self) -> Tensor:
        """The real value of one step, float32 without gradient, as in the exported files."""
        return self.alpha.detach() / self.levels

    def native(self, x: Tensor, activation: str) -> Tensor:
        """The activation function of the float network, observed while calibrating."""
        if activation == "relu":
            x = F.relu(x)
        elif activation == "relu6":
            x = F.relu6(x)
        if self.observer is not None:
            self.observer.observe(x)
        return x

    def forward(self, x: Tensor, multiplier: Tensor) -> Tensor:
        """PACT on the pre-activation ``x``, see :func:`pact`."""
        return pact(
            x,
            multiplier,
            self.alpha,
            bits=self.bits,
            signed=self.signed,
            state=self._state,
            pass_clipped=self.pass_clipped,
        )

    @torch.no_grad()
    def clamp_alpha(self) -> None:
        """Keep alpha positive."""
        self.alpha.clamp_(min=_SMALLEST_ALPHA)
