"""The reference pages of docs/ that are generated from the code: `make reference` writes them, a test compares them."""
