"""An integer program as an ONNX graph; ``emitter`` is the way in."""
