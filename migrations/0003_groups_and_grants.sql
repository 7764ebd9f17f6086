-- breaking: no
-- Groups, and grants: who holds which roles where.

create table groups (
  org_id uuid not null references orgs (id),
  id uuid not null,
  name text not null,
  description text,
  tags jsonb not null default '[]',
  protected boolean not null default false,
  liens integer not null default 0,
  generation integer not null default 1,
  sequence bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz,
  deleted_at timestamptz,
  operation_id uuid,
  purge_at timestamptz,
  primary key (org_id, id)
);

create table group_members (
  org_id uuid not null references orgs (id),
  group_id uuid not null,
  principal_id uuid not null,
  primary key (org_id, group_id, principal_id),
  foreign key (org_id, group_id) references groups (org_id, id),
  foreign key (org_id, principal_id) references principals (org_id, id)
);
create index group_members_by_principal on group_members (org_id, principal_id);

-- Members that only another issuer knows.
create table group_subjects (
  org_id uuid not null references orgs (id),
  group_id uuid not null,
  issuer text not null,
  subject text not null,
  email text,
  primary key (org_id, group_id, issuer, subject),
  foreign key (org_id, group_id) references groups (org_id, id)
);

-- A project lists groups; only there do the project blocks of their roles apply.
create table project_groups (
  org_id uuid not null references orgs (id),
  project_id uuid not null,
  group_id uuid not null,
  primary key (org_id, project_id, group_id),
  foreign key (org_id, project_id) references projects (org_id, id),
  foreign key (org_id, group_id) references groups (org_id, id)
);
create index project_groups_by_group on project_groups (org_id, group_id);

-- org_id is the org of what is granted (for the instance: of the principal); owner_org_id is the org that gave the grant
-- and may take it back. kind 'member' holds system roles, kind 'authorization' holds roles that a project defines.
create table grants (
  org_id uuid not null references orgs (id),
  id uuid not null,
  kind text not null check (kind in ('member', 'authorization')),
  scope text not null check (scope in ('instance', 'org', 'project', 'project_grant')),
  project_id uuid,
  project_grant_id uuid,
  owner_org_id uuid not null references orgs (id),
  principal_org_id uuid references orgs (id),
  principal_id uuid,
  group_id uuid,
  state text not null default 'active' check (state in ('active', 'inactive')),
  sequence bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, project_id) references projects (org_id, id),
  foreign key (org_id, project_grant_id) references project_grants (org_id, id),
  foreign key (principal_org_id, principal_id) references principals (org_id, id),
  foreign key (org_id, group_id) references groups (org_id, id),
  check ((principal_id is null) <> (group_id is null)),
  check ((principal_id is null) = (principal_org_id is null)),
  check ((scope in ('project', 'project_grant')) = (project_id is not null)),
  check ((scope = 'project_grant') = (project_grant_id is not null)),
  check (kind = 'member' or (principal_id is not null and project_id is not null))
);
create unique index grants_once on grants
  (org_id, kind, scope, project_id, project_grant_id, principal_org_id, principal_id, group_id) nulls not distinct;
create index grants_by_principal on grants (principal_org_id, principal_id, org_id, id);
create index grants_by_owner on grants (owner_org_id, org_id, id);
create index grants_by_group on grants (org_id, group_id, id) where group_id is not null;
create index grants_by_project on grants (org_id, project_id, id) where project_id is not null;
create index grants_by_project_grant on grants (org_id, project_grant_id, id) where project_grant_id is not null;

create table grant_roles (
  org_id uuid not null references orgs (id),
  grant_id uuid not null,
  id uuid not null,
  role text,
  project_role_id uuid,
  temporary_range text,
  starts_at timestamptz,
  ends_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz,
  primary key (org_id, grant_id, id),
  foreign key (org_id, grant_id) references grants (org_id, id),
  foreign key (org_id, project_role_id) references project_roles (org_id, id),
  check ((role is null) <> (project_role_id is null))
);
create index grant_roles_by_project_role on grant_roles (org_id, project_role_id) where project_role_id is not null;
