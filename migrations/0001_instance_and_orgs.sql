-- breaking: no
-- The installation, its orgs, the instance-wide names they claim, and the registry of every id ever used.

create table orgs (
  id uuid primary key,
  name text not null,
  description text,
  tags jsonb not null default '[]',
  state text not null default 'active' check (state in ('active', 'inactive')),
  email_domain text,
  provider_scope text,
  provider_id text,
  google_customer_id text,
  protected boolean not null default false,
  liens integer not null default 0,
  generation integer not null default 1,
  sequence bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz,
  deleted_at timestamptz,
  operation_id uuid,
  purge_at timestamptz
);

-- One row. Which org is the default and which holds the IAM project decides what may be deleted, so the delete statement
-- reads it FOR SHARE and whoever moves the default locks it FOR UPDATE.
create table instance (
  singleton boolean primary key default true check (singleton),
  id uuid not null,
  domain text not null,
  default_org_id uuid not null references orgs (id),
  iam_org_id uuid not null references orgs (id),
  iam_project_id uuid not null,
  created_at timestamptz not null default now()
);

create table org_domains (
  org_id uuid not null references orgs (id),
  domain text not null,
  verified boolean not null default false,
  is_primary boolean not null default false,
  primary key (org_id, domain)
);
create unique index org_domains_one_primary on org_domains (org_id) where is_primary;

-- Instance-wide names. A claim whose holder is dead in effect is taken over, which is why deleting an org frees its names
-- without touching them.
create table claims (
  kind text not null check (kind in ('org_name', 'domain')),
  key text not null,
  org_id uuid not null references orgs (id),
  primary key (kind, key)
);
create index claims_by_org on claims (org_id);

-- Every id ever used and the last sequence of its aggregate. Outlives the tenant: an id is never given out again, and a
-- counter here never contends with the FOR SHARE locks that children take on their ancestors.
create table aggregates (
  id uuid primary key,
  org_id uuid not null,
  kind text not null,
  sequence bigint not null
);

-- Append-only facts. No foreign keys (evidence outlives the tenant) and no personal data. chain_position and chain_hash
-- are filled in order by one sealer, off the request path.
create table audit_events (
  org_id uuid not null,
  aggregate_id uuid not null,
  sequence bigint not null,
  aggregate_kind text not null,
  type text not null,
  actor_org_id uuid,
  actor_id uuid,
  operation_id uuid,
  request_id text,
  facts jsonb not null default '{}',
  created_at timestamptz not null default now(),
  chain_position bigint,
  chain_hash bytea,
  primary key (org_id, aggregate_id, sequence)
);
create index audit_events_by_time on audit_events (org_id, created_at);
create index audit_events_unsealed on audit_events (org_id, created_at) where chain_position is null;
