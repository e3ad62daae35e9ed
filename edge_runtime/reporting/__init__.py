"""Tables and pages, made of strings alone: ``text_table``, ``page`` (HTML), ``charts`` (SVG) with
``axes``."""
