"""What a training run is made of, and the one precedence that decides it.

A value comes from the first of these that names it: a flag, the file given by ``--config``, the
run that this one starts from, the recipe of the backbone and the bit widths, the default of the
field. The resolved configuration is written into the run as ``config.toml``, in which every value
is spelled out.
"""

from __future__ import annotations

from train.config.recipes import resolve
from train.config.sections import (
    Balance,
    DataConfig,
    DecisionConfig,
    GuidanceConfig,
    NetworkConfig,
    OptimizerConfig,
    QuantizationSettings,
    RunConfig,
    TrainConfig,
)
from train.config.toml import (
    default_of,
    from_tables,
    from_toml,
    read_toml,
    to_tables,
    to_toml,
    toml_text,
)

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
    "default_of",
    "from_tables",
    "from_toml",
    "read_toml",
    "resolve",
    "to_tables",
    "to_toml",
    "toml_text",
]
