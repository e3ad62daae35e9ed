"""Whole runs of the main job that measure what the documentation claims; not part of the wheel."""
