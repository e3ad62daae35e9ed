"""Export: a trained checkpoint to integer ONNX and TFLite graphs in a checked bundle."""
