"""Instructions that a bundle's graphs execute on Arm boards, counted without a board.

The real aarch64 wheels run in a Debian userland under qemu's user-mode emulation, and a plugin of
qemu counts the instructions between two marker system calls. The count is exact and the same in
every run; it compares graphs, and it is no latency: qemu knows nothing of caches and pipelines.

``processors`` and ``device_sets`` say what is emulated, ``tools`` what has to be installed;
``userland`` and ``counter`` build it into ``cache``. ``emulator`` runs Python in it, ``guest`` is
what runs there, ``measure`` decides and collects, with ``multiplications`` for the bound.
``report`` is the JSON file, ``table`` the text, ``cli`` the command ``bench emulate``.
"""
