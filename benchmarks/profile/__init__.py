"""Where the time of an inference goes, by operator, and what to do where INT8 is not the fastest.

``onnx_operators`` asks ONNX Runtime's own profiler. LiteRT's Python interface has none, so
``tflite_operators`` measures graphs that end ever later (``tflite_prefix``). ``worker`` is the
process that does either. ``advice`` holds the rules, as data; ``command`` runs all of it.
"""
