"""What two or more stages of the import share; pure wherever it can be."""
