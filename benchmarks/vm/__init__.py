"""A whole arm64 device in a virtual machine: Debian's kernel, systemd, a V4L2 camera, a disk.

:mod:`~benchmarks.vm.system` fills a root file system, :mod:`~benchmarks.vm.kernel` takes kernel and
modules out of it, :mod:`~benchmarks.vm.image` makes a disk of it without mounting anything,
:mod:`~benchmarks.vm.machine` runs it, and :mod:`~benchmarks.vm.agent` runs commands in it.
"""
