"""One configuration run on for minutes: does it keep its speed, and what does it take?

``worker`` is the process that classifies, in the product's own loop; ``windows`` are the stretches
of time that it reports. ``run`` starts it and reads the board's sensors meanwhile, from outside.
``report`` is the JSON file, ``verdict`` says what it means, ``energy`` what an inference costs;
``table`` and ``page`` show it.
"""
