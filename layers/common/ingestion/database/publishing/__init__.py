"""Publish staged rows as sessions or people: reconcile, merge, undo."""
