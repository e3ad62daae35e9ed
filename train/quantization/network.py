"""The captured network as a trainable module with PACT at every site."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge_runtime.errors import ArtifactError
from train.quantization.calibration import RANGE_METHODS, RangeObserver
from train.quantization.capture import capture
from train.quantization.convolution import ConvolutionGeometry, convolve
from train.quantization.fake_quantize import (
    BackwardPass,
    activation_levels,
    pact,
)
from train.quantization.graph import NetworkGraph, Node
from train.quantization.weights import (
    WEIGHT_QUANTIZERS,
    WeightQuantizer,
    bias_steps,
    weight_scales,
    weight_steps,
)

__all__ = ["QuantizationConfig", "QuantizedNetwork"]

_WIDTHS = (2, 4, 8)
_SMALLEST_ALPHA = 1e-4


@dataclass(frozen=True)
class QuantizationConfig:
    """Widths and the input's meaning.

    Attributes:
        activation_bits: width of every site but the first layer's and the logits' (8 bit).
        weight_bits: width of all weights but the first and the last layer's (8 bit).
        weight_quantizer: how weights below 8 bit find their grid.
        input_mean: the byte that stands for zero, one for all channels, 0 to 255.
        input_std: bytes per unit; the network sees ``(byte - input_mean) / input_std``.
    """

    activation_bits: int = 8
    weight_bits: int = 8
    weight_quantizer: WeightQuantizer = "max"
    input_mean: int = 127
    input_std: float = 128.0

    def __post_init__(self) -> None:
        if self.activation_bits not in _WIDTHS or self.weight_bits not in _WIDTHS:
            raise ArtifactError(
                f"{self.weight_bits}-bit weights with {self.activation_bits}-bit activations are "
                "not supported; choose 8, 4 or 2 bits for each."
            )
        if self.weight_quantizer not in WEIGHT_QUANTIZERS:
            raise ArtifactError(
                f"there is no weight quantiser {self.weight_quantizer!r}; choose one of "
                f"{', '.join(WEIGHT_QUANTIZERS)}."
            )
        if not 0 <= self.input_mean <= 255 or not self.input_std > 0:
            raise ArtifactError(
                f"an input mean of {self.input_mean} and deviation of {self.input_std} do not "
                "describe bytes; the mean must be within 0..255 and the deviation above zero."
            )


class Site(nn.Module):
    """One quantisation site: its native activation in float, PACT when quantising.

    The logits' site passes the gradient where it clips: a saturated score must still be explained.
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


class Layer(nn.Module):
    """The weight and bias of one node."""

    def __init__(self, weight: Tensor, bias: Tensor, bits: int) -> None:
        super().__init__()
        self.weight, self.bias, self.bits = nn.Parameter(weight), nn.Parameter(bias), bits


class QuantizedNetwork(nn.Module):
    """Runs a :class:`NetworkGraph` on bytes, in float or with fake quantisation.

    Attributes:
        graph: the structure.
        config: widths and the input's meaning.
        layers: node name to weight and bias.
        sites: owner's name to quantisation site.
    """

    def __init__(
        self, graph: NetworkGraph, parameters: dict[str, Tensor], config: QuantizationConfig
    ) -> None:
        super().__init__()
        self.graph, self.config = graph, config
        self._state = BackwardPass()
        self._quantize = False
        self._calibrated = False
        self._owner = graph.sites()
        self.layers = nn.ModuleDict()
        edge = (graph.first_layer.name, graph.logits.name)
        for node in graph.nodes:
            if node.has_weights:
                bits = 8 if node.name in edge else config.weight_bits
                self.layers[node.name] = Layer(
                    parameters[f"{node.name}.weight"], parameters[f"{node.name}.bias"], bits
                )
        non_negative = graph.non_negative()
        self.sites = nn.ModuleDict()
        for name in dict.fromkeys(self._owner.values()):
            members = [member for member, owner in self._owner.items() if owner == name]
            bits = 8 if any(member in edge for member in members) else config.activation_bits
            signed = not non_negative.issuperset(members)
            is_logits = name == graph.logits.name
            self.sites[name] = Site(bits, signed, self._state, pass_clipped=is_logits)
        self._last_reader = {name: node.name for node in graph.nodes for name in node.inputs}

    @classmethod
    def from_model(
        cls, model: nn.Module, height: int, width: int, config: QuantizationConfig
    ) -> QuantizedNetwork:
        """Capture ``model`` at ``[1, 3, height, width]`` and fold it into a network."""
        graph, parameters = capture(model, torch.zeros(1, 3, height, width))
        return cls(graph, parameters, config)

    @property
    def quantize(self) -> bool:
        """Whether the forward pass is fake-quantised; off, it is the folded float network."""
        return self._quantize

    @quantize.setter
    def quantize(self, on: bool) -> None:
        if on and not self._calibrated:
            raise ArtifactError(
                "the ranges of the network are not initialised; call calibrate() with training "
                "images before quantising."
            )
        self._quantize = on

    @property
    def image_shape(self) -> tuple[int, int]:
        """Height and width of the input, in pixels."""
        return self.graph.image.shape[1], self.graph.image.shape[2]

    @property
    def class_count(self) -> int:
        """Number of logits."""
        return self.graph.logits.shape[0]

    def site_of(self, node: str) -> Site:
        """The site that the output of ``node`` is quantised at."""
        site = self.sites[self._owner[node]]
        assert isinstance(site, Site)
        return site

    def layer_of(self, node: str) -> Layer:
        """The weight and bias of ``node``."""
        layer = self.layers[node]
        assert isinstance(layer, Layer)
        return layer

    def forward(self, image: Tensor) -> Tensor:
        """Logits ``[N, C]`` of images float32 ``[N, 3, H, W]`` that hold byte values 0..255."""
        return self.forward_features(image)[0]

    def forward_features(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits ``[N, C]`` and pooled features ``[N, F]``."""
        features_name, logits_name = self.graph.features.name, self.graph.logits.name
        pixels = image - self.config.input_mean
        image_scale = self._scale_of(self.graph.image.name, pixels)
        values = {self.graph.image.name: pixels if self._quantize else pixels * image_scale}
        features = values[self.graph.image.name]
        for node in self.graph.nodes[1:]:
            values[node.name] = self._run(node, [values[name] for name in node.inputs])
            if node.name == features_name:
                features = values[node.name]
            for name in node.inputs:
                if self._last_reader[name] == node.name:
                    values.pop(name, None)
        logits = values[logits_name]
        if self._quantize:
            logits = logits * self._scale_of(logits_name, pixels)
            features = features * self._scale_of(features_name, pixels)
        return logits, features

    def _run(self, node: Node, inputs: list[Tensor]) -> Tensor:
        if node.operation in ("max_pool2d", "flatten", "concat"):
            return self._operation(node, inputs)
        site = self.site_of(node.name)
        if not self._quantize:
            return site.native(self._operation(node, inputs), node.activation)
        x, multiplier = self._in_steps(node, inputs)
        # A site shared through a concatenation may be signed though this member is not.
        clipped: Tensor = site(
            F.relu(x) if site.signed and node.activation != "none" else x, multiplier
        )
        return clipped

    def _in_steps(self, node: Node, inputs: list[Tensor]) -> tuple[Tensor, Tensor]:
        """A node's sum in integer steps, and the size of those over that of its site's steps.

        Case 1: weights; steps of input scale times weight scale, one multiplier per channel.
        Case 2: a sum; each summand comes in the site's own steps.
        Case 3: a mean; the steps of the input.
        """
        x = inputs[0]
        target = self.site_of(node.name).scale
        scales = [self._scale_of(name, x) for name in node.inputs]
        if node.has_weights:
            layer = self.layer_of(node.name)
            quantizer = self.config.weight_quantizer
            scale = weight_scales(layer.weight, layer.bits, quantizer)
            weight = weight_steps(layer.weight, scale, layer.bits, quantizer)
            x = self._weighted(node, x, weight, bias_steps(layer.bias, scale, scales[0]))
            multiplier = scales[0] * scale / target
            return x, multiplier.reshape(1, -1, *[1] * (x.dim() - 2))
        if node.operation == "add":
            summands = [
                value * (scale / target) for value, scale in zip(inputs, scales, strict=True)
            ]
            return summands[0] + summands[1], torch.ones_like(target)
        return self._operation(node, inputs), scales[0] / target

    def _operation(self, node: Node, inputs: list[Tensor]) -> Tensor:
        x = inputs[0]
        attributes = node.attributes
        match node.operation:
            case "conv2d" | "linear":
                layer = self.layer_of(node.name)
                return self._weighted(node, x, layer.weight, layer.bias)
            case "add":
                return x + inputs[1]
            case "concat":
                return torch.cat(inputs, dim=1)
            case "global_avg_pool":
                return x.mean(dim=(2, 3), keepdim=True)
            case "flatten":
                return x.flatten(1)
            case "max_pool2d":
                # What comes in is at least 0, or its padding may not win: pad below everything.
                padded = _pad(x, attributes["padding"], value=float("-inf"))
                return F.max_pool2d(padded, attributes["kernel"], attributes["stride"])
            case "avg_pool2d":
                return F.avg_pool2d(x, attributes["kernel"], attributes["stride"])
        raise AssertionError(node.operation)

    def _weighted(self, node: Node, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        if node.operation == "linear":
            return F.linear(x, weight, bias)
        top, bottom, left, right = node.attributes["padding"]
        if (top, left) != (bottom, right):
            x, top, left = _pad(x, node.attributes["padding"], value=0.0), 0, 0
        geometry = ConvolutionGeometry(
            stride=tuple(node.attributes["stride"]),
            padding=(top, left),
            dilation=tuple(node.attributes["dilation"]),
            groups=node.attributes["groups"],
        )
        return convolve(x, weight, bias, geometry, self._state)

    def _scale_of(self, node: str, like: Tensor) -> Tensor:
        """The real value of one step of the output of ``node``, float32 where ``like`` is."""
        if node == self.graph.image.name:
            return like.new_tensor(1 / self.config.input_std)
        return self.site_of(node).scale

    def calibrate(
        self,
        batches: Iterable[Tensor],
        *,
        method: str = "percentile",
        percentile: float = 99.99,
    ) -> None:
        """Set every alpha from the activations of the float network on real images.

        Args:
            batches: float32 ``[N, 3, H, W]`` byte values.
            method: ``percentile`` or ``mse``, see :class:`RangeObserver`.
            percentile: in percent.

        Raises:
            DataError: no batch was given, or the activations are not finite.
        """
        if method not in RANGE_METHODS:
            raise ValueError(f"method must be one of {RANGE_METHODS}, not {method!r}")
        was_quantizing, self._quantize = self._quantize, False
        sites = list(self._sites())
        for site in sites:
            site.observer = RangeObserver()
        try:
            with torch.no_grad():
                for batch in batches:
                    self(batch)
                for site in sites:
                    assert site.observer is not None
                    found = site.observer.alpha(method, percentile, site.bits, site.signed)
                    site.alpha.fill_(found)
        finally:
            for site in sites:
                site.observer = None
            self._quantize = was_quantizing
        self._calibrated = True

    def mark_calibrated(self) -> None:
        """Accept the alphas at hand, after loading a checkpoint.

        Raises:
            ArtifactError: an alpha is not finite and positive.
        """
        for name, alpha in self.alphas().items():
            if not 0 < alpha < float("inf"):
                raise ArtifactError(
                    f"the clip value of {name} is {alpha}; a checkpoint needs finite values above "
                    "zero, train it again."
                )
        self._calibrated = True

    def alpha_parameters(self) -> list[nn.Parameter]:
        """The learnable clip values, for a parameter group of their own."""
        return [site.alpha for site in self._sites()]

    def network_parameters(self) -> list[nn.Parameter]:
        """Weights and biases."""
        return list(self.layers.parameters())

    def alphas(self) -> dict[str, float]:
        """Site name to clip value."""
        return {name: float(self.site_of(name).alpha.detach()) for name in self.sites}

    @torch.no_grad()
    def clamp_alphas(self) -> None:
        """Keep every alpha positive; call it after each optimiser step."""
        for site in self._sites():
            site.alpha.clamp_(min=_SMALLEST_ALPHA)

    @torch.no_grad()
    def clipped_share(self, image: Tensor) -> dict[str, float]:
        """Share of each site's values at its clip on ``image`` ``[N, 3, H, W]`` (quantised)."""
        shares: dict[str, float] = {}
        hooks = [
            site.register_forward_hook(_record_share(name, shares))
            for name, site in self.sites.items()
        ]
        try:
            self(image)
        finally:
            for hook in hooks:
                hook.remove()
        return shares

    @contextmanager
    def input_gradient_only(self) -> Iterator[None]:
        """While active, backward passes skip the gradients of weights and alphas."""
        self._state.input_only = True
        try:
            yield
        finally:
            self._state.input_only = False

    def _sites(self) -> Iterator[Site]:
        for name in self.sites:
            yield self.site_of(name)


def _pad(x: Tensor, padding: list[int], *, value: float) -> Tensor:
    top, bottom, left, right = padding
    return F.pad(x, (left, right, top, bottom), value=value) if any(padding) else x


def _record_share(name: str, shares: dict[str, float]):  # type: ignore[no-untyped-def]
    def hook(site: Site, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        shares[name] = float((output.abs() >= site.levels).float().mean())

    return hook
