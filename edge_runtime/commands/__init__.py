"""The subcommands of ``saliedge`` that a device has, one a file, imported when they are used.

``edge_runtime.cli`` lists them with those of the workstation; ``edge_runtime.infer`` is one more.
"""
