"""The reports of many boards as one.

``boards`` reads and names them, ``card`` is the Markdown table with what INT8 changes against
float, ``page`` the HTML page, ``command`` is ``bench merge``.
"""
