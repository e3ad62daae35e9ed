"""The tables of a run's configuration: frozen, and validated when they are made."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Literal, get_args
from urllib.parse import urlsplit

from edge_runtime.errors import UsageError
from edge_runtime.preprocessing import Fit, Preprocessing
from edge_runtime.region_of_interest import RegionOfInterest, Shape
from train.backbones import check_name
from train.data.augment import Augmentation
from train.data.duplicates import DEFAULT_THRESHOLD, HASH_BITS
from train.data.split import DEFAULT_FRACTIONS
from train.guidance import Guidance
from train.quantization.calibration import RANGE_METHODS, RangeMethod
from train.quantization.fake_quantize import ACTIVATION_QUANTIZERS, ActivationQuantizer
from train.quantization.weights import WEIGHT_QUANTIZERS, WeightQuantizer
from train.torch_settings import PRECISIONS, Precision

__all__ = [
    "Balance",
    "DataConfig",
    "DecisionConfig",
    "GuidanceConfig",
    "NetworkConfig",
    "OptimizerConfig",
    "QuantizationSettings",
    "RunConfig",
    "TrainConfig",
]

Balance = Literal["none", "sampling", "weights"]
_BITS = (2, 4, 8)


@dataclass(frozen=True)
class DataConfig:
    """Which images, and how often each class is seen.

    Attributes:
        source: see ``open_dataset``.
        split_seed: what the split is drawn with.
        fractions: shares of train, val and test.
        split_file: a ``split.csv`` whose parts are taken, such as a fold; empty draws them.
        skip_bad: leave out unreadable images instead of failing.
        cache: folder for decoded images; empty keeps them in memory only.
        group_duplicates: put near-duplicates into one group, with all of their own groups, so that
            the split does not tear them apart.
        duplicate_threshold: bits of 128 that the hashes of near-duplicates may differ in.
        balance: ``sampling`` draws rare classes more often, ``weights`` gives them a larger
            weight in the cross entropy, ``none`` does neither.
        balance_power: how far: a class of n images counts as n^(1 - power); 1 makes all classes
            equal, 0 changes nothing. The default, half way, neither drowns a rare class nor shows
            its few images ten times per epoch.
    """

    source: str = ""
    split_seed: int = 0
    fractions: tuple[float, float, float] = DEFAULT_FRACTIONS
    split_file: str = ""
    skip_bad: bool = False
    cache: str = ""
    group_duplicates: bool = False
    duplicate_threshold: int = DEFAULT_THRESHOLD
    balance: Balance = "sampling"
    balance_power: float = 0.5

    def __post_init__(self) -> None:
        if not self.source:
            raise UsageError("no images are named; give --data.")
        if (
            len(self.fractions) != 3
            or min(self.fractions) <= 0
            or abs(sum(self.fractions) - 1) > 1e-6
        ):
            raise UsageError(
                f"the fractions {list(self.fractions)} are not three positive shares of one."
            )
        if self.group_duplicates and self.split_file:
            raise UsageError(
                "the groups of a given split are fixed already; leave out --group-duplicates or "
                "--split-file."
            )
        if not 0 <= self.duplicate_threshold <= HASH_BITS:
            raise UsageError(
                f"a duplicate threshold of {self.duplicate_threshold} is not within 0 and "
                f"{HASH_BITS} bits."
            )
        if self.balance not in get_args(Balance):
            raise UsageError(f"the balance {self.balance!r} is not none, sampling or weights.")
        if not 0 <= self.balance_power <= 1:
            raise UsageError(f"a balance power of {self.balance_power} is not within 0 and 1.")


@dataclass(frozen=True)
class NetworkConfig:
    """The network and its input.

    Attributes:
        backbone: a name of the registry, ``timm:NAME`` or ``module:function``.
        pretrained: ``none``, ``package`` or a path, see ``backbones.build``.
        width_multiplier: factor of the channel counts, where the backbone has one.
        input_mean: the byte that the network sees as zero, the same for all channels.
        input_std: bytes per unit that the network sees.
        start: folder of a run whose folded float network the second phase starts from; empty
            trains one.
        height: input height in pixels, a multiple of 4.
        width: input width in pixels, a multiple of 4.
        fit: how a frame of another shape is fitted in.
        roi: the part of each frame that is looked at: ``none`` for all of it, ``auto`` for the
            field of view, found over training images, or ``left,top,right,bottom`` in fractions.
        roi_shape: what of it is kept: ``rectangle``, or ``ellipse`` or ``octagon``, around which
            the frame is blackened.
    """

    backbone: str = "efficientnet_lite0"
    pretrained: str = "package"
    width_multiplier: float = 1.0
    input_mean: int = 127
    input_std: float = 128.0
    start: str = ""
    height: int = 160
    width: int = 160
    fit: Fit = "crop"
    roi: str = "none"
    roi_shape: Shape = "rectangle"

    def __post_init__(self) -> None:
        check_name(self.backbone)
        if not 0.1 <= self.width_multiplier <= 4:
            raise UsageError(
                f"a width multiplier of {self.width_multiplier:g} is not within 0.1 and 4."
            )
        if not 0 <= self.input_mean <= 255 or not 1 <= self.input_std <= 255:
            raise UsageError(
                f"an input mean of {self.input_mean} and deviation of {self.input_std:g} do not "
                "describe bytes; give a mean within 0 and 255 and a deviation within 1 and 255."
            )
        for side in (self.height, self.width):
            if not 16 <= side <= 1024 or side % 4:
                raise UsageError(f"an input side of {side} is not a multiple of 4 from 16 to 1024.")
        if self.fit not in get_args(Fit):
            raise UsageError(f"the fit {self.fit!r} is not one of {', '.join(get_args(Fit))}.")
        if self.roi_shape not in get_args(Shape):
            raise UsageError(
                f"the shape {self.roi_shape!r} is not one of {', '.join(get_args(Shape))}."
            )
        self.given_region()

    @property
    def region_is_sought(self) -> bool:
        """Whether the region is to be found over training images."""
        return self.roi == "auto"

    def given_region(self) -> RegionOfInterest | None:
        """The region that needs no images to be known; None for the whole frame.

        Raises:
            UsageError: what is given is no region.
        """
        if self.roi in ("none", "auto"):
            whole = RegionOfInterest(0.0, 0.0, 1.0, 1.0, self.roi_shape)
            return None if self.roi_shape == "rectangle" else whole
        try:
            return RegionOfInterest.parse(self.roi, self.roi_shape)
        except ValueError as error:
            raise UsageError(
                f"the roi {self.roi!r} is not auto, none or a region: {error}."
            ) from None

    def preprocessing(self, region: RegionOfInterest | None) -> Preprocessing:
        """From a frame to network bytes, as on the device."""
        return Preprocessing(self.height, self.width, self.fit, region)


@dataclass(frozen=True)
class QuantizationSettings:
    """Learned ranges and the grids of activations and weights.

    Attributes:
        enabled: False trains the folded network in float (for comparison).
        activation_bits: 8, 4 or 2.
        weight_bits: 8, 4 or 2.
        weight_quantizer: how weights find their grid: ``max``, ``sawb`` (below 8 bit) or ``lsq``
            (learned steps).
        activation_quantizer: which gradient the clips get: ``pact`` or ``lsq``.
        range_method: where the clips start: at a ``percentile`` of real activations, at the least
            squared error (``mse``), or ``auto``: the former for 8-bit sites, the latter below.
        percentile: in percent.
        calibration_images: training images, unaugmented, that the first clips are taken from.
        eta: weight of the penalty on the squared clips.
    """

    enabled: bool = True
    activation_bits: int = 8
    weight_bits: int = 8
    weight_quantizer: WeightQuantizer = "max"
    activation_quantizer: ActivationQuantizer = "pact"
    range_method: RangeMethod = "auto"
    percentile: float = 99.99
    calibration_images: int = 256
    eta: float = 1e-5

    def __post_init__(self) -> None:
        if self.activation_bits not in _BITS or self.weight_bits not in _BITS:
            raise UsageError(
                f"{self.weight_bits}-bit weights with {self.activation_bits}-bit activations are "
                "not supported; choose 8, 4 or 2 for each."
            )
        for kind, value, choices in (
            ("weight quantiser", self.weight_quantizer, WEIGHT_QUANTIZERS),
            ("activation quantiser", self.activation_quantizer, ACTIVATION_QUANTIZERS),
            ("range method", self.range_method, RANGE_METHODS),
        ):
            if value not in choices:
                raise UsageError(
                    f"there is no {kind} {value!r}; choose one of {', '.join(choices)}."
                )
        if self.calibration_images < 1 or not 50 <= self.percentile <= 100 or self.eta < 0:
            raise UsageError(
                "calibration needs at least one image and a percentile from 50 to 100, and eta "
                "must not be negative."
            )


@dataclass(frozen=True)
class GuidanceConfig(Guidance):
    """Saliency guidance in training.

    Attributes:
        enabled: off leaves the cross entropy and PACT's penalty.
        ramp: share of the second phase's steps over which lambda1 rises from 0; 0 is off.
    """

    enabled: bool = True
    ramp: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.ramp <= 1:
            raise UsageError(f"a ramp of {self.ramp} is not a share from 0 to 1.")

    @property
    def effective(self) -> Guidance:
        """What the loss is given."""
        off = {} if self.enabled else {"lambda1": 0.0, "lambda2": 0.0}
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(Guidance)}
        return Guidance(**(values | off))


@dataclass(frozen=True)
class OptimizerConfig:
    """Both phases: float warm-up with batch norm, then the folded network. AdamW, cosine schedule.

    Attributes:
        epochs_float: epochs of the first phase.
        epochs: epochs of the second phase; 0 keeps the folded (and calibrated) network.
        batch_size: images per step.
        lr_float: peak learning rate of the first phase.
        lr: peak learning rate of the second phase, weights and biases; higher below 8 bit, see
            ``train.config.recipes``.
        lr_alpha: peak learning rate of the clips, as a share of each clip's first value; likewise.
        lr_weight_step: peak learning rate of learned weight steps (``lsq``), as a share of each
            step's first value.
        weight_decay: decoupled, of weights with two or more axes.
        warmup: share of each phase's steps over which the rate rises from zero.
        clip_norm: largest gradient norm of a step; 0 is off.
        ema: decay of the moving average of the weights that is validated and kept, see
            ``WeightAverage``; 0 keeps the weights themselves.
        patience: a phase ends after so many epochs without a better one on the validation part, and
            its best epoch is gone on with; 0 runs all epochs. It is 0 by default because the
            schedule gains most in its last epochs, where the rate is small: it pays for long runs.
    """

    epochs_float: int = 6
    epochs: int = 5
    batch_size: int = 32
    lr_float: float = 1e-3
    lr: float = 1e-4
    lr_alpha: float = 1e-3
    lr_weight_step: float = 1e-3
    weight_decay: float = 1e-2
    warmup: float = 0.1
    clip_norm: float = 1.0
    ema: float = 0.0
    patience: int = 0

    def __post_init__(self) -> None:
        if self.epochs_float < 0 or self.epochs < 0:
            raise UsageError("--epochs-float and --epochs must be 0 or more.")
        if self.epochs_float + self.epochs == 0:
            raise UsageError("the run has no epochs; give --epochs-float or --epochs.")
        if self.batch_size < 2:
            raise UsageError(f"a batch size of {self.batch_size} is below 2.")
        if min(self.lr_float, self.lr, self.lr_alpha, self.lr_weight_step) <= 0:
            raise UsageError("learning rates must be above zero.")
        if not 0 <= self.warmup < 1 or self.clip_norm < 0 or self.weight_decay < 0:
            raise UsageError(
                "warmup must be within 0 and 1, clip_norm and weight_decay not negative."
            )
        if self.patience < 0:
            raise UsageError(f"a patience of {self.patience} epochs is negative; 0 is off.")
        if not 0 <= self.ema < 1:
            raise UsageError(f"an EMA decay of {self.ema} is not from 0 to below 1.")


@dataclass(frozen=True)
class DecisionConfig:
    """From which probability on a class is called.

    Attributes:
        sensitivity: share of each class's validation images that its operating point must call.
    """

    sensitivity: float = 0.95

    def __post_init__(self) -> None:
        if not 0 < self.sensitivity <= 1:
            raise UsageError(f"a sensitivity of {self.sensitivity} is not above 0 to 1.")


@dataclass(frozen=True)
class RunConfig:
    """How it is run.

    Attributes:
        seed: of weights, order, augmentation and mask noise.
        device: ``cpu``, ``cuda`` or ``auto``.
        threads: CPU threads of torch; 0 leaves torch's choice. Resuming uses those it began with.
        precision: of the float phase, see :func:`autocast_dtype`; the second phase computes with
            integers in float32 in any case.
        deterministic: see :func:`torch_settings`.
        tensorboard: write TensorBoard events if it is installed.
        mlflow: tracking store of MLflow, a URI or a folder; empty takes MLFLOW_TRACKING_URI if that
            is set and MLflow is installed, ``none`` is off.
    """

    seed: int = 0
    device: str = "auto"
    threads: int = 0
    precision: Precision = "auto"
    deterministic: bool = False
    tensorboard: bool = True
    mlflow: str = ""

    def __post_init__(self) -> None:
        if self.seed < 0 or self.threads < 0:
            raise UsageError("seed and threads must not be negative.")
        if self.device not in ("auto", "cpu", "cuda"):
            raise UsageError(f"the device {self.device!r} is not auto, cpu or cuda.")
        if self.precision not in PRECISIONS:
            raise UsageError(
                f"the precision {self.precision!r} is not one of {', '.join(PRECISIONS)}."
            )
        if urlsplit(self.mlflow).password is not None:
            # The configuration is stored, printed and copied.
            raise UsageError(
                "the MLflow store is named with a password, which would be stored with the run; "
                "set MLFLOW_TRACKING_URI instead, or MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD."
            )


@dataclass(frozen=True)
class TrainConfig:
    """A whole run; one table of ``config.toml`` for each field."""

    data: DataConfig
    network: NetworkConfig = field(default_factory=NetworkConfig)
    quantization: QuantizationSettings = field(default_factory=QuantizationSettings)
    guidance: GuidanceConfig = field(default_factory=GuidanceConfig)
    augmentation: Augmentation = field(default_factory=Augmentation)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    decision: DecisionConfig = field(default_factory=DecisionConfig)
    run: RunConfig = field(default_factory=RunConfig)
