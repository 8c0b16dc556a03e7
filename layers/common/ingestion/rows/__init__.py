"""Turn raw rows into valid rows and rejects: columns, validation, corrections, the error file."""
