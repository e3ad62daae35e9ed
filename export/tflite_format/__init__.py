"""An integer program as a TFLite graph; ``emitter`` is the way in."""
