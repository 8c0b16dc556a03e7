"""A module per table: each statement whole, and named by its function."""
