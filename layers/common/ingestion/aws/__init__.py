"""AWS services, a module for each client, and where the files of a batch are in S3."""
