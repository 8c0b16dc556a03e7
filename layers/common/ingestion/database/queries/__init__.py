"""Queries across tables for the API, the dashboard and monitoring. Only `health` writes: its own findings."""
