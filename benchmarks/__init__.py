"""Benchmarks of a bundle on the machine at hand: the command ``bench``.

``cli`` takes the command line, ``invocation`` does what it asks. ``configurations`` says what is
measured and in which order, ``measure`` and ``rounds`` start a fresh process for each, ``worker``
is that process. ``summary`` makes figures of the samples (with ``statistics`` and ``costs``),
``report`` is the JSON file, ``reporting`` shows it, ``comparing`` holds it against others.
``absent`` stands where a figure cannot be had. Imports nothing but ``edge_runtime`` and runs on a
device.
"""
