"""`saliedge sweep`: trials of a training on Ray; its choice is by the validation part alone."""
