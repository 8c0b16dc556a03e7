"""Read an upload's options and links, and the programme and instance in its name."""
