"""python -m tools.reference: rewrites all generated pages."""

import os

# Powertools reads these when the API is imported.
os.environ.update(POWERTOOLS_SERVICE_NAME="reference", POWERTOOLS_METRICS_NAMESPACE="Reference")

from tools.reference.pages import PAGES, ROOT

if __name__ == "__main__":
    for name, render in PAGES.items():
        (ROOT / name).write_text(render(), encoding="utf-8")
