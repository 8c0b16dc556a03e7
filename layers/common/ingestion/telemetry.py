"""The logger and the metrics of every function, and masking of personal data."""

import re
import warnings

from aws_lambda_powertools import Logger, Metrics

# An invocation with nothing to count, such as a repeated event, is no reason for a warning.
warnings.filterwarnings("ignore", message="No application metrics to publish")

logger = Logger()
metrics = Metrics()

_PART = r"[^\s@<>\"',;]"
# Matches only from the start of such a part, since trying from each character within would take quadratic time.
_EMAIL = re.compile(rf"(?<!{_PART})({_PART}){_PART}*+@({_PART}+)")


def masked(text: str) -> str:
    """Reduce every email address in *text* to its first letter and its domain: a***@example.org."""
    return _EMAIL.sub(r"\1***@\2", text)
