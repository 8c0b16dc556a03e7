"""The routers of the dashboard."""

from dashboard import (
    assets,
    batch_actions,
    batch_pages,
    import_form,
    import_pages,
    lineage_pages,
    original_row_page,
    programme_pages,
    rejected_rows_page,
    retry_pages,
    sign_in_pages,
    undo_pages,
)

ROUTERS = tuple(
    part.router
    for part in (
        import_pages,
        import_form,
        batch_pages,
        batch_actions,
        undo_pages,
        rejected_rows_page,
        retry_pages,
        lineage_pages,
        original_row_page,
        programme_pages,
        sign_in_pages,
        assets,
    )
)
