"""The kintell command: imports files and reports the result. It uses the HTTP API and nothing else."""

__version__ = "0.1.0"
