"""What builds the docs site beside mkdocs: reference pages that are made from the code.

``hook`` is what mkdocs calls; ``reference`` lists the generated pages, and one file each makes a
kind of them. ``markdown`` and ``docstrings`` are how they write; ``links`` and ``formulas`` turn
what reads well in a checkout into what works on the site. Nothing generated is kept in git, so
that nothing can drift; ``tests/docs_site`` holds that the pages name everything there is.
"""
