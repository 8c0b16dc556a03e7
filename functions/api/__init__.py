"""The HTTP API: what the outside may ask of uploads, batches and sessions, and the presigned links in and out."""
