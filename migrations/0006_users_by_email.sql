-- breaking: no
-- The platform may ask of which orgs an address has users; users_email leads with the org.

create index users_by_email on users (lower(email), org_id);
