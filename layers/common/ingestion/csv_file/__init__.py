"""From the bytes of a file to its rows: unpacking, encodings, dialect, framing, the index of chunks."""
