"""Generates the reference pages of docs/ from the code: `make reference` writes them, a test compares them."""
