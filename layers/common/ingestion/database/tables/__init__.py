"""A module for each table, with each statement in a function that names it."""
