"""Reads across tables, for API, dashboard and monitoring. Nothing here writes."""
