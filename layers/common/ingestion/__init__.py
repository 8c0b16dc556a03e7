"""What the steps of the import share: one room per kind of thing, the pure ones without AWS, database or clock."""
