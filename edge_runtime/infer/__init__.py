"""``edge-infer``: frames of a source through a bundle, to whatever asks for its predictions.

``cli`` is the command; ``options``, ``output_options``, ``page_options`` and ``config_file`` are
what a user can say; ``input``, ``model``, ``page`` and ``service`` make the parts of a run, ``run``
joins them, ``loop`` goes from frame to frame, ``statistics`` counts, ``console`` tells and
``stopping`` ends it.
"""
