"""What goes wrong in training of this kind, seen in recorded figures, and which knob helps.

Each function takes figures that the log holds anyway and gives findings, a sentence each. None of
them changes the training, reads an image or a lesion mask. The thresholds are where a person who
looks at the figures would become suspicious; what they are is said beside each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from train.run.log import Finding

__all__ = [
    "Reference",
    "chance",
    "clip_findings",
    "collapse",
    "drift",
    "few_images",
    "findings_of_epoch",
    "noise",
    "overfitting",
    "saliency_in_the_wrong_place",
]

# A loss of accuracy at the start of quantisation that training is not sure to win back.
_COLLAPSE = 0.05
# Where fewer than four in five answers survive the masking, it removes what the answer rests on;
# unless they differ by so little (nats) that the network was undecided between two.
_AGREEMENT, _UNDECIDED = 0.8, 0.02
# A divergence (nats) above which its rise matters, and the rise over two epochs that is one.
_DIVERGENCE, _RISE = 0.1, 1.25
# The first epoch of guidance is spent on learning to bear the mask.
_EPOCHS_OF_GRACE = 2
# Steadiness of the maps as a share of that of the float network's. Those of networks that learned
# well stay above 0.95 of it down to 4 bit; those of random weights fall below 0.75.
_STEADY = 0.75
# Energy per pixel of a region that holds no finding, as a multiple of that of all other pixels; and
# the share of the energy below which nobody would see it.
_DENSITY, _SHARE = 0.5, 0.03
# Shares of a site's values at its clip: above the first it holds back information that PACT would
# not give up for resolution; below the second of its first clip, alpha has collapsed.
_CLIPPED, _COLLAPSED_CLIP = 0.25, 0.05
# Validation images below which a temperature and the thresholds of the classes are mostly chance.
_FEW = 50
# The validation loss as a multiple of its lowest, and nats above it, while the training loss still
# falls; and the training loss, as a share of a guess's, below which a network knows its images.
_OVERFIT, _OVERFIT_NATS, _KNOWN = 1.25, 0.05, 0.5
# Epochs in a row that all lie so much above the lowest.
_FOR_GOOD = 3

History = Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Reference:
    """What the second phase is judged against.

    Attributes:
        accuracy: of the folded float network on the validation part.
        images: how many images that is.
        steadiness: of the float network's saliency maps.
        outside_area: share of the pixels that lie outside the field of view.
        overlay_area: share of the pixels that lie on an overlay that tells a class, 0 without any.
        alphas: site to its first clip.
        guided: whether clean and masked answers are drawn together.
        classes: how many there are.
    """

    accuracy: float
    images: int
    classes: int
    steadiness: float
    outside_area: float
    overlay_area: float
    alphas: Mapping[str, float]
    guided: bool


def findings_of_epoch(
    history: History,
    reference: Reference,
    alphas: Mapping[str, float],
    clipped: Mapping[str, float],
) -> tuple[Finding, ...]:
    """All findings about the last epoch of the second phase.

    Args:
        history: the figures of each epoch of the phase by their names in the log, the calibrated
            network first.
        reference: what they are judged against.
        alphas: site to its clip.
        clipped: site to the share of its values at the clip; empty where nothing is quantised.
    """
    last, trained = history[-1], history[1:]
    # The maps of a network that has learned nothing lie anywhere.
    has_learned = chance(last["val_macro_sensitivity"], reference.classes) is None
    found = [
        collapse(reference.accuracy, last["val_accuracy"], reference.images)
        if clipped and not trained
        else None,
        drift(trained) if reference.guided else None,
        noise(last.get("saliency_steadiness"), reference.steadiness),
        *(saliency_in_the_wrong_place(last, reference) if has_learned else ()),
        *clip_findings(alphas, clipped, reference.alphas),
        overfitting(trained, reference.classes),
        few_images(reference.images),
    ]
    return tuple(finding for finding in found if finding is not None)


def collapse(float_accuracy: float, accuracy: float, images: int) -> Finding | None:
    """Accuracy that is lost when quantisation starts, beyond what so few images leave to chance."""
    chance = 2 * math.sqrt(max(float_accuracy * (1 - float_accuracy), 1 / images) / images)
    if float_accuracy - accuracy < max(_COLLAPSE, chance):
        return None
    return Finding(
        "collapse",
        f"accuracy fell from {float_accuracy:.1%} to {accuracy:.1%} when quantisation started: the "
        "first clips do not fit the activations: try another --range-method (mse, or percentile "
        "with a lower --percentile); or the weights do not fit their grid: try --weight-quantizer "
        "sawb.",
    )


def drift(trained: History) -> Finding | None:
    """Clean and masked images that get different answers after the first epochs of guidance."""
    if len(trained) < _EPOCHS_OF_GRACE:
        return None
    agreement = trained[-1].get("masked_agreement", 1.0)
    divergences = [epoch.get("val_divergence", 0.0) for epoch in trained[-3:]]
    is_rising = (
        len(divergences) == 3
        and divergences[0] < divergences[1] < divergences[2]
        and divergences[2] > max(_DIVERGENCE, _RISE * divergences[0])
    )
    is_apart = agreement < _AGREEMENT and divergences[-1] > _UNDECIDED
    if not is_apart and not is_rising:
        return None
    return Finding(
        "drift",
        f"clean and masked images get the same answer in {agreement:.0%} of the cases "
        f"(KL {divergences[-1]:.2f}{', rising' if is_rising else ''}): raise --lambda1, or mask "
        "less with a lower --k.",
    )


def noise(steadiness: float | None, of_float: float) -> Finding | None:
    """Saliency maps that follow the picture less than those of the float network."""
    if steadiness is None or not steadiness < _STEADY * of_float:
        return None
    return Finding(
        "noise",
        "the saliency maps are noisier than those of the float network (rank correlation with the "
        f"maps of the picture moved by a pixel {steadiness:.2f}, before {of_float:.2f}): raise "
        "--lambda2, or --smoothing.",
    )


def saliency_in_the_wrong_place(
    epoch: Mapping[str, float], reference: Reference
) -> tuple[Finding, ...]:
    """Saliency outside the field of view, or on an overlay that tells a class."""
    found = []
    outside = epoch.get("saliency_outside")
    if outside is not None and _is_dense(outside, reference.outside_area):
        found.append(
            Finding(
                "outside",
                f"{outside:.0%} of the saliency lies outside the field of view, which is "
                f"{reference.outside_area:.0%} of the picture: give the surround another content "
                "with --surround, or cut it off with --roi.",
            )
        )
    overlay = epoch.get("saliency_overlay")
    if overlay is not None and _is_dense(overlay, reference.overlay_area):
        found.append(
            Finding(
                "overlay",
                f"{overlay:.0%} of the saliency lies on an overlay that tells the class, which is "
                f"{reference.overlay_area:.0%} of the picture and should get next to none (see "
                "saliedge data check): cover it now and then with --erase, or cut it off with "
                "--roi.",
            )
        )
    return tuple(found)


def clip_findings(
    alphas: Mapping[str, float], clipped: Mapping[str, float], first: Mapping[str, float]
) -> tuple[Finding, ...]:
    """Clips that hold too much back, and clips that have collapsed."""
    found = []
    saturated = [site for site, share in clipped.items() if share > _CLIPPED]
    if saturated:
        worst = max(saturated, key=lambda site: clipped[site])
        found.append(
            Finding(
                "saturation",
                f"{len(saturated)} of {len(clipped)} sites clip more than {_CLIPPED:.0%} of their "
                f"values ({worst} {clipped[worst]:.0%}): lower --eta or --lr-alpha, or take "
                "--range-method percentile with a higher --percentile.",
            )
        )
    dead = [site for site in clipped if alphas[site] < _COLLAPSED_CLIP * first[site]]
    if dead:
        worst = min(dead, key=lambda site: alphas[site] / first[site])
        found.append(
            Finding(
                "dead clip",
                f"{len(dead)} of {len(clipped)} clips have collapsed ({worst} from "
                f"{first[worst]:.3g} to {alphas[worst]:.3g}): lower --lr-alpha or --eta.",
            )
        )
    return tuple(found)


def overfitting(trained: History, classes: int) -> Finding | None:
    """A validation loss that has left its lowest for good while the training loss fell on.

    Case 1: the network does not know its training images yet: its validation loss leaps about.
    Case 2: the loss rose by less than anybody would notice, as near 0 it does at every other epoch.
    Case 3: one of the latest epochs was about as good as the lowest: it leaps, as it does while the
    learning rate is high, and comes back.
    """
    if len(trained) <= _FOR_GOOD:
        return None
    lowest = min(range(len(trained)), key=lambda index: trained[index]["val_loss"])
    best, last = trained[lowest], trained[-1]
    if last["cross_entropy"] > _KNOWN * math.log(classes):
        return None
    least = max(_OVERFIT * best["val_loss"], best["val_loss"] + _OVERFIT_NATS)
    if min(epoch["val_loss"] for epoch in trained[-_FOR_GOOD:]) < least:
        return None
    if last["cross_entropy"] >= best["cross_entropy"]:
        return None
    return Finding(
        "overfitting",
        f"the validation loss rose from {best['val_loss']:.3f} in epoch {best['epoch']:.0f} to "
        f"{last['val_loss']:.3f} while the training loss fell: train for fewer epochs or with "
        "--patience, or augment more.",
    )


def chance(macro_sensitivity: float, classes: int) -> Finding | None:
    """A kept network as good as a constant answer, whose macro sensitivity is 1 / classes."""
    if macro_sensitivity > 1 / classes + 1e-9:
        return None
    return Finding(
        "chance",
        "the best epoch is no better than an answer that is always the same (macro sensitivity "
        f"{1 / classes:.1%} with {classes} classes): train for more epochs, or look at the labels "
        "with saliedge data check.",
    )


def few_images(images: int) -> Finding | None:
    """A validation part that is too small for what is learned from it after training."""
    if images >= _FEW:
        return None
    return Finding(
        "few_images",
        f"{images} validation images decide the best epoch, the temperature of the probabilities "
        "and the operating points: take the probabilities for a ranking and no more, or give more "
        "images.",
    )


def _is_dense(share: float, area: float) -> bool:
    """Whether a region of an area holds a share of the energy that it should not."""
    if share < _SHARE or not 0 < area < 1:
        return False
    return share * (1 - area) > _DENSITY * area * (1 - share)
