-- A batch as the API, its lists and the pages show it; it is read with its reader's rights, not with its owner's.

CREATE VIEW batch_view WITH (security_invoker = true) AS
SELECT b.id, b.upload_id, b.file_name, b.file_hash, b.file_size_bytes, b.program_type, b.program_instance_id,
       i.slug AS program_instance, b.status, b.dry_run, b.total_rows, b.success_rows, b.error_rows, b.skipped_rows,
       b.unchanged_rows, b.unpublished_rows, b.inserted_rows, b.updated_rows,
       -- While it is at work, the rows of the chunks that have been read.
       CASE WHEN b.status NOT IN ('pending', 'running') THEN b.total_rows
            ELSE (SELECT CAST(coalesce(sum(c.rows), 0) AS bigint)
                    FROM chunks c
                   WHERE c.batch_id = b.id AND c.state <> 'planned')
             END AS processed_rows,
       -- Whether it counts among what was imported.
       NOT b.dry_run AND b.status NOT IN ('pending', 'running') AS counts,
       b.error_summary, coalesce(b.csv_metadata->'warnings', '[]') AS warnings, b.failure_code, b.failure_reason,
       b.imported_by, b.parent_batch_id, b.created_at, b.started_at, b.completed_at,
       b.error_file_key IS NOT NULL AND b.error_file_deleted_at IS NULL AS has_error_file
  FROM ingestion_batches b
  LEFT JOIN program_instances i ON i.id = b.program_instance_id;
