"""All routes of the dashboard."""

from serve.dashboard import (
    assets,
    batch_pages,
    drops,
    imports,
    lineage_pages,
    original_row,
    programme_pages,
    rejected_rows,
    sign_in_pages,
)

ROUTERS = tuple(
    part.router
    for part in (
        imports,
        drops,
        batch_pages,
        rejected_rows,
        lineage_pages,
        original_row,
        programme_pages,
        sign_in_pages,
        assets,
    )
)
