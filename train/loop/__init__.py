"""The training itself: two phases and their optimisers.

``trainer`` begins or resumes a run; ``session`` is what ``float_phase`` and ``quantized_phase``
share and ``learner`` what they train; ``objectives`` are the losses, see :mod:`train.guidance`.
"""
