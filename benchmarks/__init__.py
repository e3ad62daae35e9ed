"""Benchmarks of a bundle on the machine at hand: the command ``bench``.

``cli`` decides what is asked, ``configurations`` what is measured and in which order, ``rounds``
starts a fresh process for each, ``worker`` is that process. ``summary`` makes figures of the
samples (with ``statistics``), ``report`` is the JSON file, ``table`` the text. ``absent`` stands
where a figure cannot be had. Imports nothing but ``edge_runtime`` and runs on a device.
"""
