"""The study: rows of a matrix over the folds of a cross-validation, kept as small files."""
