-- Originals of refused uploads and failed batches are deleted too, looks are audited, and the audit trail names no file.

ALTER TABLE uploads
    -- When its object was deleted, and with it what the record said of anybody.
    ADD COLUMN deleted_at timestamptz;
UPDATE uploads u SET deleted_at = b.archived_at
  FROM ingestion_batches b
 WHERE b.upload_id = u.id AND b.status = 'archived';

-- What the daily clean-up looks for. Of a failed batch, archived_at is when its original was deleted.
CREATE INDEX refused_uploads_to_delete ON uploads (decided_at) WHERE state = 'refused' AND deleted_at IS NULL;
CREATE INDEX failed_batches_to_delete ON ingestion_batches (completed_at) WHERE status = 'failed' AND archived_at IS NULL;

-- What earlier versions left in the tombstones: header cells, of which a file may have made some out of a person's row.
UPDATE ingestion_batches
   SET format = format || '{"header": []}', csv_metadata = csv_metadata || '{"headers": [], "unknownHeaders": []}'
 WHERE status = 'archived';

ALTER TABLE audit_logs
    DROP CONSTRAINT audit_logs_action_check,
    DROP CONSTRAINT audit_logs_resource_type_check,
    ADD CONSTRAINT audit_logs_action_check CHECK (action IN (
        'upload_received', 'upload_refused', 'import_started', 'import_completed', 'import_failed', 'import_forced',
        'error_file_created', 'error_file_downloaded', 'error_file_deleted', 'batch_archived', 'import_committed',
        'import_undone', 'import_retried', 'import_corrected', 'import_cancelled', 'rejected_rows_shown',
        'original_row_shown', 'upload_deleted', 'mapping_saved', 'person_looked_up', 'person_exported', 'person_erased',
        'suppression_lifted', 'hold_placed', 'hold_released')),
    ADD CONSTRAINT audit_logs_resource_type_check CHECK (resource_type IN ('upload', 'batch', 'person'));

-- A file's name may be a person's, and a reason may tell of one; both stand in the records, where they can be deleted.
ALTER TABLE audit_logs DISABLE TRIGGER audit_rows_stay;
UPDATE audit_logs SET details = details - CAST('{key,reason}' AS text[])
 WHERE details ?| CAST('{key,reason}' AS text[]);
ALTER TABLE audit_logs ENABLE TRIGGER audit_rows_stay;
