"""All SQL: a module per table, or per piece of work on several; each statement whole, and named by its function."""
