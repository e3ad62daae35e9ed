"""Reports against each other: ``reports`` pairs what they share, ``comparison`` is the arithmetic.

``compatibility`` says which may be compared, ``table`` shows it, ``command`` is ``bench compare``
and ``bench check``.
"""
