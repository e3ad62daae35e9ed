"""The captured network as a trainable module with a learnable range at every site."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from edge_runtime.errors import ArtifactError
from train.quantization.calibration import RANGE_METHODS, RangeMethod, RangeObserver
from train.quantization.capture import capture
from train.quantization.config import QuantizationConfig
from train.quantization.fake_quantize import BackwardPass, Clip
from train.quantization.forward import ForwardPass
from train.quantization.graph import NetworkGraph
from train.quantization.layer import Layer
from train.quantization.receptive_field import CellPlaces, cell_places
from train.quantization.site import Site

__all__ = ["QuantizedNetwork"]


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
        edge = (graph.first_layer.name, graph.logits.name)
        self.layers = nn.ModuleDict()
        for node in graph.nodes:
            if node.has_weights:
                self.layers[node.name] = Layer(
                    parameters[f"{node.name}.weight"],
                    parameters[f"{node.name}.bias"],
                    8 if node.name in edge else config.weight_bits,
                    config.weight_quantizer,
                )
        non_negative = graph.non_negative()
        self.sites = nn.ModuleDict()
        for name in dict.fromkeys(self._owner.values()):
            members = [member for member, owner in self._owner.items() if owner == name]
            bits = 8 if any(member in edge for member in members) else config.activation_bits
            signed = not non_negative.issuperset(members)
            is_logits = name == graph.logits.name
            clip = Clip(bits, signed, config.activation_quantizer, pass_clipped=is_logits)
            self.sites[name] = Site(clip, self._state)
        self._forward_pass = ForwardPass(
            graph,
            {name: self.layer_of(name) for name in self.layers},
            {name: self.site_of(name) for name in self._owner},
            input_mean=config.input_mean,
            input_std=config.input_std,
            state=self._state,
        )

    @classmethod
    def from_model(
        cls, model: nn.Module, height: int, width: int, config: QuantizationConfig
    ) -> QuantizedNetwork:
        """Capture ``model`` at ``[1, 3, height, width]`` and fold it into a network."""
        graph, parameters = capture(model, torch.zeros(1, 3, height, width))
        return cls(graph, parameters, config)

    def requantized(self, config: QuantizationConfig) -> QuantizedNetwork:
        """The same float network with the widths and quantisers of ``config``.

        Weights and biases are copied, device and memory layout are kept, and so is what the input
        means. The copy runs in float; its ranges have to be calibrated before it quantises.
        """
        config = dataclasses.replace(
            config, input_mean=self.config.input_mean, input_std=self.config.input_std
        )
        parameters = {
            f"{name}.{kind}": getattr(self.layer_of(name), kind).detach().clone()
            for name in self.layers
            for kind in ("weight", "bias")
        }
        network = QuantizedNetwork(self.graph, parameters, config)
        return network.to(next(self.parameters()).device).train(self.training)

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
        logits, features = self.outputs(image, self.graph.logits.name, self.graph.features.name)
        return logits, features

    def outputs(self, image: Tensor, *names: str) -> list[Tensor]:
        """Real values behind some nodes, such as feature maps ``[N, K, h, w]``.

        Args:
            image: float32 ``[N, 3, H, W]``, byte values.
            names: of nodes of the graph.
        """
        return self._forward_pass.run(image, names, quantize=self._quantize)

    def effective_weight(self, node: str) -> Tensor:
        """The weight that the forward pass multiplies with, real values, without gradient."""
        layer = self.layer_of(node)
        return layer.rounded_weight().detach() if self._quantize else layer.weight.detach()

    def behind(self, node: str, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The logits as a function of a feature map.

        Args:
            node: whose output it is.
            image: float32 ``[N, 3, H, W]``, byte values.

        Returns:
            Logits ``[N, C]``; the map ``[N, K, h, w]``, a leaf that they can be differentiated for,
            in steps if the network quantises; and the real value of one of its steps.
        """
        found: list[Tensor] = []

        def leaf(values: Tensor) -> Tensor:
            found.append(values.detach().requires_grad_(True))
            return found[0]

        (logits,) = self._forward_pass.run(
            image, [self.graph.logits.name], quantize=self._quantize, replace={node: leaf}
        )
        scale = self.site_of(node).scale if self._quantize else torch.ones(())
        return logits, found[0], scale

    def cell_places(self, node: str) -> CellPlaces:
        """Where the cells of the feature map behind ``node`` lie on the image."""
        kernels = {
            name: (self.layer_of(name).weight.shape[2], self.layer_of(name).weight.shape[3])
            for name in self.layers
            if self.graph[name].operation == "conv2d"
        }
        return cell_places(self.graph, kernels, node)

    def calibrate(
        self,
        batches: Iterable[Tensor],
        *,
        method: RangeMethod = "auto",
        percentile: float = 99.99,
    ) -> None:
        """Set every alpha from the activations of the float network on real images.

        Args:
            batches: float32 ``[N, 3, H, W]`` byte values.
            method: ``auto``, ``percentile`` or ``mse``, see :class:`RangeObserver`.
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
        return [p for layer in self._layers() for p in (layer.weight, layer.bias)]

    def gain_parameters(self) -> list[nn.Parameter]:
        """What the learned steps of the weights are multiplied by; empty unless ``lsq`` is on."""
        return [layer.gain for layer in self._layers() if layer.gain is not None]

    def alphas(self) -> dict[str, float]:
        """Site name to clip value."""
        return {name: float(self.site_of(name).alpha.detach()) for name in self.sites}

    def clamp_ranges(self) -> None:
        """Keep every alpha and every learned step positive; call it after each optimiser step."""
        for site in self._sites():
            site.clamp_alpha()
        for layer in self._layers():
            layer.clamp_gain()

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

    def _layers(self) -> Iterator[Layer]:
        for name in self.layers:
            yield self.layer_of(name)

    def _sites(self) -> Iterator[Site]:
        for name in self.sites:
            yield self.site_of(name)


def _record_share(name: str, shares: dict[str, float]):  # type: ignore[no-untyped-def]
    def hook(site: Site, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        shares[name] = float((output.abs() >= site.clip.levels).float().mean())

    return hook
