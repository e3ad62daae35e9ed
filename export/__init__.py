"""Export: a trained checkpoint to integer ONNX and TFLite graphs in a checked bundle.

The trained network is lowered once to an integer program; both files, the saliency graphs and the
parity checks start from that program.
"""
