"""The HTTP API: routes for uploads, batches and sessions, and the presigned links that carry files in and out."""
