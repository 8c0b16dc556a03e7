"""AWS services: a module for each client, and the S3 keys of a batch's files."""
