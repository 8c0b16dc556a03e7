"""The kintell command: imports files and says what became of them. It speaks HTTP and nothing else."""

__version__ = "0.1.0"
