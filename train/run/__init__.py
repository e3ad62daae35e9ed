"""A run on disk and on the terminal: its folder, its log, its resume state, its progress."""
