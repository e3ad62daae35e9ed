"""Benchmarks of a bundle on the machine at hand."""
