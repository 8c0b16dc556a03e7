"""Who somebody is and what they may do: actors, rights, session cookies."""
