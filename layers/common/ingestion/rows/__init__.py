"""From rows to valid rows and rejects: columns, validation, corrections, the error file."""
