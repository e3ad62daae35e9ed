"""Saliency-guided training: the loss that makes a network explain itself by few pixels.

Sources: Ismail, Corrada Bravo, Feizi, "Improving Deep Learning Interpretability by Saliency
Guided Training", arXiv 2111.14338 (section 3, "Saliency Guided Training", and algorithm 1), and
Lavaei, Abadi, Beigzad, Maleki, arXiv 2512.17515, which adds quantisation by PACT. In their
notation, for an image ``x`` with label ``y``, logits ``f(x)`` and ``p = softmax(f)``:

    (A)  S(x) = max over channels | d f_y(x) / d x |                       saliency, [H, W]
    (B)  x~ = M_k(S(x), x)                                                 masked image
    (C)  D_KL(p(x) || p(x~)) = sum_c p_c(x) (log p_c(x) - log p_c(x~))
    (D)  L = CE(f(x), y) + lambda1 D_KL(p(x) || p(x~)) + lambda2 mean |S(x)| + eta sum alpha^2

``M_k`` replaces the bottom share ``k`` of the pixels in the order of S. Instead of a share, a
threshold may decide, which follows what the network bears (see
:mod:`train.loop.adaptive_threshold`):

    (E)  M_eps(S, x) replaces every pixel p with S_p < eps mean(S)

2111.14338 minimises (D) with lambda2 = eta = 0. The gradient runs through both sides of (C). The
clean side comes first, as in that paper's text; its published scripts compute it differently from
branch to branch, so that the formula and not the scripts is what is implemented. The L1 term is a
mean over pixels, so that lambda2 means the same at every input size; differentiating it is a true
double backward. The last term is PACT's L2 penalty (arXiv 1805.06085, section 3), which draws the
clips down.

Nothing here knows where a lesion is, and no pixel counts more than another for its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge_runtime.errors import UsageError
from train.batches import WHOLE_BATCH, Share
from train.quantization import QuantizedNetwork
from train.step_parts import Part, part

__all__ = [
    "Fill",
    "Guidance",
    "LossTerms",
    "alpha_penalty",
    "below_threshold",
    "bottom_k",
    "guided_loss",
    "input_saliency",
    "masked_divergence",
    "masked_image",
    "smoothed",
]

Fill = Literal["random", "mean", "blur"]
Threshold = Literal["share", "adaptive"]
# The blur's window, as a share of the shorter side.
_BLUR_SHARE = 8


@dataclass(frozen=True)
class Guidance:
    """Weights and choices of the loss.

    Attributes:
        lambda1: weight of the divergence (C); 0 saves the masked pass.
        lambda2: weight of the L1 of the saliency; 0 saves the double backward.
        k: share of pixels that is masked, 0 to below 1.
        fill: what masked pixels get: ``random`` values in the image's own range of each channel,
            the image's ``mean`` colour, or the image ``blur``red.
        smoothing: side of the box that S is averaged over before the threshold, odd; 1 is off.
        threshold: ``share`` masks the share k of every image, ``adaptive`` all below epsilon, see
            (E); k is not asked for then.
        epsilon: where an adaptive threshold starts, as a multiple of the map's mean.
        target: the divergence, in nats, that an adaptive threshold keeps to.
    """

    lambda1: float = 1.0
    lambda2: float = 0.0
    k: float = 0.5
    fill: Fill = "random"
    smoothing: int = 1
    threshold: Threshold = "share"
    epsilon: float = 0.5
    target: float = 0.05

    def __post_init__(self) -> None:
        if min(self.lambda1, self.lambda2) < 0:
            raise UsageError("lambda1 and lambda2 must not be negative.")
        if not 0 <= self.k < 1:
            raise UsageError(f"k is {self.k}; it is the share of masked pixels, 0 to below 1.")
        if self.fill not in get_args(Fill):
            raise UsageError(
                f"the fill {self.fill!r} does not exist; choose one of {', '.join(get_args(Fill))}."
            )
        if self.smoothing < 1 or self.smoothing % 2 == 0:
            raise UsageError(f"a smoothing window of {self.smoothing} is not odd and at least 1.")
        if self.threshold not in get_args(Threshold):
            raise UsageError(f"the threshold {self.threshold!r} is neither share nor adaptive.")
        if not self.epsilon > 0 or not self.target > 0:
            raise UsageError("epsilon and the target of the divergence must be above zero.")


@dataclass(frozen=True)
class LossTerms:
    """The loss and its unweighted parts, scalars of the batch; ``total`` carries the gradient."""

    total: Tensor
    cross_entropy: Tensor
    divergence: Tensor
    saliency_l1: Tensor
    alpha_penalty: Tensor
    logits: Tensor


def guided_loss(
    network: QuantizedNetwork,
    image: Tensor,
    label: Tensor,
    guidance: Guidance,
    noise: Tensor | None = None,
    eta: float = 0.0,
    class_weights: Tensor | None = None,
    share: Share = WHOLE_BATCH,
) -> LossTerms:
    """The loss (D) of one batch, or of one process's part of it.

    Args:
        network: what is trained, float or fake-quantised; it holds no batch norm, so that masked
            images cannot move statistics.
        image: float32 ``[N, 3, H, W]``, byte values 0..255.
        label: int64 ``[N]``.
        guidance: weights and choices.
        noise: float32 ``[N, 3, H, W]`` in [0, 1], keyed by sample; needed by the ``random`` fill.
        eta: weight of PACT's penalty.
        class_weights: float32 ``[C]`` of the cross entropy, or None for one each.
        share: what the images count for. The mean of each term, and of the gradient, over the
            processes is that of the whole batch; the penalty is the same in all.
    """
    logits, saliency = input_saliency(
        network,
        image,
        label,
        needed=guidance.lambda1 > 0 or guidance.lambda2 > 0,
        create_graph=guidance.lambda2 > 0,
    )
    zero = logits.new_zeros(())
    cross_entropy = F.cross_entropy(logits, label, weight=class_weights) * share.weight
    divergence = saliency_l1 = zero
    if guidance.lambda1 > 0:
        with part(Part.MASKING):
            order = smoothed(saliency.detach(), guidance.smoothing)
            if guidance.threshold == "adaptive":
                mask = below_threshold(order, guidance.epsilon)
            else:
                mask = bottom_k(order, guidance.k)
            masked = masked_image(image, mask, guidance.fill, noise)
        with part(Part.MASKED_PASS):
            masked_logits = network(masked)
        divergence = masked_divergence(logits, masked_logits) * share.images
    if guidance.lambda2 > 0:
        saliency_l1 = saliency.mean() * share.images
    penalty = alpha_penalty(network.alpha_parameters()) if network.quantize else zero
    total = (
        cross_entropy
        + guidance.lambda1 * divergence
        + guidance.lambda2 * saliency_l1
        + eta * penalty
    )
    return LossTerms(total, cross_entropy, divergence, saliency_l1, penalty, logits)


def input_saliency(
    network: QuantizedNetwork,
    image: Tensor,
    class_index: Tensor,
    *,
    needed: bool = True,
    create_graph: bool = False,
) -> tuple[Tensor, Tensor]:
    """Logits ``[N, C]`` and saliency (A) ``[N, H, W]`` for one class of each image.

    The saliency is the magnitude of the gradient per byte of input, never negative and neither
    smoothed nor normalised. The logits keep their graph, for the loss.

    Args:
        network: float or fake-quantised.
        image: float32 ``[N, 3, H, W]``, byte values.
        class_index: int64 ``[N]``.
        needed: False saves the backward pass and gives an all-zero map.
        create_graph: keep the graph of the saliency, for its L1.
    """
    if needed:
        image = image.detach().requires_grad_(True)
    with part(Part.CLEAN_PASS):
        logits = network(image)
    if not needed:
        return logits, image.new_zeros(image.shape[0], *image.shape[2:])
    chosen = logits.gather(1, class_index[:, None]).sum()
    keep = create_graph or torch.is_grad_enabled()
    with network.input_gradient_only(), part(Part.SALIENCY):
        (gradient,) = torch.autograd.grad(
            chosen, image, create_graph=create_graph, retain_graph=keep
        )
        saliency = gradient.abs().amax(dim=1)
    return logits, saliency


def smoothed(saliency: Tensor, window: int) -> Tensor:
    """Mean over a ``window`` x ``window`` box of ``[N, H, W]``; outside counts for nothing."""
    if window == 1:
        return saliency
    return F.avg_pool2d(
        saliency[:, None], window, stride=1, padding=window // 2, count_include_pad=False
    )[:, 0]


def bottom_k(saliency: Tensor, k: float) -> Tensor:
    """Where the ``floor(k H W)`` smallest values of each map are, bool ``[N, H, W]``.

    Of equal values, which quantised gradients have many of, those first in reading order count as
    smaller, so that the number of masked pixels is always the same.

    Examples:
        >>> import torch
        >>> bottom_k(torch.tensor([[[0.1, 0.9], [0.5, 0.2]]]), k=0.5).tolist()
        [[[True, False], [False, True]]]
    """
    count, (height, width) = saliency.shape[0], saliency.shape[1:]
    bottom = int(k * height * width)
    order = saliency.reshape(count, -1).argsort(dim=1, stable=True)
    mask = torch.zeros(count, height * width, dtype=torch.bool, device=saliency.device)
    mask.scatter_(1, order[:, :bottom], True)
    return mask.reshape(count, height, width)


def below_threshold(saliency: Tensor, epsilon: float) -> Tensor:
    """Where each map ``[N, H, W]`` is below ``epsilon`` times its own mean (E), bool."""
    return saliency < epsilon * saliency.mean(dim=(1, 2), keepdim=True)


def masked_image(image: Tensor, mask: Tensor, fill: Fill, noise: Tensor | None = None) -> Tensor:
    """The image (B): pixels under the mask replaced, byte values as before.

    Args:
        image: float32 ``[N, 3, H, W]``, byte values.
        mask: bool ``[N, H, W]``.
        fill: see :class:`Guidance`.
        noise: float32 ``[N, 3, H, W]`` in [0, 1]; 0 gives a channel's minimum, 1 its maximum.
    """
    if fill == "random":
        if noise is None:
            raise ValueError("the random fill needs noise")
        low = image.amin(dim=(2, 3), keepdim=True)
        high = image.amax(dim=(2, 3), keepdim=True)
        replacement = low + (high - low) * noise
    elif fill == "mean":
        replacement = image.mean(dim=(2, 3), keepdim=True).expand_as(image)
    else:
        reach = max(1, min(image.shape[2:]) // _BLUR_SHARE // 2)
        replacement = F.avg_pool2d(
            image, 2 * reach + 1, stride=1, padding=reach, count_include_pad=False
        )
    # A camera gives whole bytes, so does the mask.
    return torch.where(mask[:, None], replacement.round(), image)


def masked_divergence(clean_logits: Tensor, masked_logits: Tensor) -> Tensor:
    """The divergence (C), mean over the batch; the gradient reaches both arguments.

    Examples:
        >>> import torch
        >>> same = torch.tensor([[2.0, 0.0]])
        >>> float(masked_divergence(same, same))
        0.0
        >>> round(float(masked_divergence(same, torch.tensor([[0.0, 2.0]]))), 3)  # in nats
        1.523
    """
    clean, masked = F.log_softmax(clean_logits, dim=1), F.log_softmax(masked_logits, dim=1)
    return (clean.exp() * (clean - masked)).sum(dim=1).mean()


def alpha_penalty(alphas: Sequence[nn.Parameter]) -> Tensor:
    """PACT's penalty: the sum of the squared clip values."""
    return torch.stack([alpha.square() for alpha in alphas]).sum()
