"""All routes of the dashboard."""

from serve.dashboard import assets, batch_pages, drops, imports, lineage_pages, programme_pages

ROUTERS = tuple(part.router for part in (imports, drops, batch_pages, lineage_pages, programme_pages, assets))
