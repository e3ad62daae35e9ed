"""What an export has to show of its graphs before there is a bundle.

``integer_proof``: they compute in integers; ``range_readback``: the learned ranges arrived;
``parity``: engines and reference agree; ``calibration`` and ``layer_noise``: the ranges fit real
images; ``gates``: the thresholds for all of it.
"""
