-- breaking: no
-- Infrastructure contained in projects, the references that hold a project, and long-running operations.

-- A finalizer: while one exists, its project stays.
create table project_references (
  org_id uuid not null references orgs (id),
  project_id uuid not null,
  reference text not null,
  created_at timestamptz not null default now(),
  primary key (org_id, project_id, reference),
  foreign key (org_id, project_id) references projects (org_id, id)
);

create table cluster_managers (
  org_id uuid not null references orgs (id),
  id uuid not null,
  project_id uuid not null,
  name text not null,
  description text,
  tags jsonb not null default '[]',
  spec jsonb not null default '{}',
  protected boolean not null default false,
  liens integer not null default 0,
  generation integer not null default 1,
  sequence bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz,
  deleted_at timestamptz,
  operation_id uuid,
  purge_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, project_id) references projects (org_id, id)
);
create index cluster_managers_by_project on cluster_managers (org_id, project_id, id);

create table clusters (
  org_id uuid not null references orgs (id),
  id uuid not null,
  project_id uuid not null,
  cluster_manager_id uuid not null,
  name text not null,
  description text,
  tags jsonb not null default '[]',
  spec jsonb not null default '{}',
  protected boolean not null default false,
  liens integer not null default 0,
  generation integer not null default 1,
  sequence bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz,
  deleted_at timestamptz,
  operation_id uuid,
  purge_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, project_id) references projects (org_id, id),
  foreign key (org_id, cluster_manager_id) references cluster_managers (org_id, id)
);
create index clusters_by_project on clusters (org_id, project_id, id);
create index clusters_by_manager on clusters (org_id, cluster_manager_id, id);

-- No foreign keys: an operation tells of its target after the target is gone. Names are dropped from it when it is done.
create table operations (
  org_id uuid not null,
  id uuid not null,
  target_kind text not null,
  target_id uuid not null,
  phase text not null check (phase in ('access_ended', 'waiting', 'retained', 'purging', 'verifying', 'done')),
  requester_org_id uuid,
  requester_id uuid,
  request_id text,
  step integer not null default 0,
  cursor jsonb,
  removed jsonb not null default '{}',
  blockers jsonb not null default '[]',
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  lease_owner uuid,
  lease_until timestamptz,
  failure text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  done_at timestamptz,
  primary key (org_id, id)
);
create index operations_by_id on operations (id);
create index operations_due on operations (next_attempt_at) where done_at is null;
create index operations_by_requester on operations (requester_org_id, requester_id) where requester_id is not null;
