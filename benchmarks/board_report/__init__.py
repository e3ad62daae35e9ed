"""Everything about a board in one file to send in: ``bench board-report``.

``collect`` runs the doctor, the benchmark, the profile and two long runs, ``privacy`` takes out
what tells who or where, ``page`` shows it, ``command`` is the command.
"""
