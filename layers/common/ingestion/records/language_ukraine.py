"""Language for Ukraine (Language Connect): language practice between a learner and a volunteer."""

from ingestion.records.programme import Programme
from ingestion.records.session import COMMON, SESSION

LANGUAGE_UKRAINE = Programme(
    program_type="language_ukraine",
    name="Language for Ukraine (Language Connect)",
    record=SESSION,
    session_type="language",
    aliases=("language_for_ukraine", "language_connect", "language", "lfu", "lc"),
    id_prefixes=("LS-", "LANG-"),
    telltale_columns=frozenset({"language_level", "metadata"}),
    columns=(
        *SESSION.columns("external_session_id", "participant_email", "volunteer_email"),
        *COMMON,
        *SESSION.columns("language_level", "topics", "metadata"),
    ),
    schema_versions=(("1.1", "metadata"),),
)
