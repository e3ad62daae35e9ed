"""The training itself: two phases, their losses and optimisers.

``trainer`` begins or resumes a run; ``session`` is what ``float_phase`` and ``quantized_phase``
share and ``learner`` what they train; ``objectives`` and ``saliency_guided`` are the loss.
"""
