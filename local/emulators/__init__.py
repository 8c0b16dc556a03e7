"""Emulators of AWS for one machine."""
