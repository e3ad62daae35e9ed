"""Measuring on a board from a workstation: ``bench --host user@board``.

``wheel`` packs what a device needs of this project, ``ssh`` carries it and the bundle over with the
OpenSSH client, runs there and brings the report back. Nothing is left on the board.
"""
