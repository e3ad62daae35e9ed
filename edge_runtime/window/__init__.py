"""The window of ``--show``: ``sink`` hands it pictures, ``process`` is what shows them."""
