"""What is said about an upload: its options, its links, and what its name says of programme and instance."""
