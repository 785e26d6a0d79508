"""The audit trail: who changed, read, ended or deleted what. Entries are only ever added; see `AuditEntry`."""
