"""Staged rows on their way into the sessions: reconciled, merged, taken back."""
