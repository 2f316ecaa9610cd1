troupe api key new --role viewer >key
prints AuditRecords audit ls --since 1h --limit 10
has 'api key new'
prints AuditVerified audit verify
has '"ok":true'
