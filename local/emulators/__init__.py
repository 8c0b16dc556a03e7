"""The emulators that can stand for AWS on one machine."""
