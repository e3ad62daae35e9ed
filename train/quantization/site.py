"""One quantisation site: where an activation gets its learnable clip."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.quantization.calibration import RangeObserver
from train.quantization.convolution import Convolution, convolve_and_quantize
from train.quantization.fake_quantize import BackwardPass, Clip, fake_quantize

__all__ = ["Site"]

_SMALLEST_ALPHA = 1e-4


class Site(nn.Module):
    """The native activation in float, a learned clip when quantising.

    The logits' site passes the gradient where it clips: a saturated score must still be explained.

    Attributes:
        alpha: the learnable clip, float32 scalar.
        clip: the grid and its gradients.
        observer: collects activations while the network is calibrated.
    """

    def __init__(self, clip: Clip, state: BackwardPass) -> None:
        super().__init__()
        self.clip, self._state = clip, state
        self.alpha = nn.Parameter(torch.tensor(0.0))
        self.observer: RangeObserver | None = None

    @property
    def bits(self) -> int:
        """Width of the integer."""
        return self.clip.bits

    @property
    def signed(self) -> bool:
        """Whether negative values are kept."""
        return self.clip.signed

    @property
    def scale(self) -> Tensor:
        """The real value of one step, float32 without gradient, as in the exported files."""
        return self.alpha.detach() / self.clip.levels

    def native(self, x: Tensor, activation: str) -> Tensor:
        """The activation function of the float network, observed while calibrating."""
        if activation == "relu":
            x = F.relu(x)
        elif activation == "relu6":
            x = F.relu6(x)
        elif activation == "relu1":
            x = torch.clamp(x, 0, 1)
        if self.observer is not None:
            self.observer.observe(x)
        return x

    def forward(
        self, x: Tensor, multiplier: Tensor | None, convolution: Convolution | None = None
    ) -> Tensor:
        """The integers behind ``x``.

        Args:
            x: a pre-activation, see :func:`fake_quantize`; or what ``convolution`` makes one of.
            multiplier: size of the steps of the pre-activation over that of the site's.
            convolution: computed in one go with the site, see :func:`convolve_and_quantize`.
        """
        if convolution is None:
            return fake_quantize(x, multiplier, self.alpha, self.clip, self._state)
        assert multiplier is not None
        return convolve_and_quantize(x, convolution, multiplier, self.alpha, self.clip, self._state)

    @torch.no_grad()
    def clamp_alpha(self) -> None:
        """Keep alpha positive."""
        self.alpha.clamp_(min=_SMALLEST_ALPHA)
