-- breaking: no
-- Projects with their roles and grants to other orgs; principals (users and identities).

create table projects (
  org_id uuid not null references orgs (id),
  id uuid not null,
  name text not null,
  description text,
  tags jsonb not null default '[]',
  state text not null default 'active' check (state in ('active', 'inactive')),
  role_assertion boolean not null default false,
  role_check boolean not null default false,
  has_project_check boolean not null default false,
  private_labeling smallint not null default 0,
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
create unique index projects_name on projects (org_id, lower(name)) where deleted_at is null;
-- Some dialects name a project without its org.
create index projects_by_id on projects (id);

create table project_roles (
  org_id uuid not null references orgs (id),
  id uuid not null,
  project_id uuid not null,
  key text not null,
  display_name text not null,
  role_group text not null default '',
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
create unique index project_roles_key on project_roles (org_id, project_id, key) where deleted_at is null;
create index project_roles_by_project on project_roles (org_id, project_id, id);

create table project_grants (
  org_id uuid not null references orgs (id),
  id uuid not null,
  project_id uuid not null,
  granted_org_id uuid not null references orgs (id),
  state text not null default 'active' check (state in ('active', 'inactive')),
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
create unique index project_grants_once on project_grants (org_id, project_id, granted_org_id) where deleted_at is null;
create index project_grants_by_project on project_grants (org_id, project_id, id);
create index project_grants_by_granted_org on project_grants (granted_org_id, org_id, id);

create table project_grant_roles (
  org_id uuid not null references orgs (id),
  project_grant_id uuid not null,
  project_role_id uuid not null,
  primary key (org_id, project_grant_id, project_role_id),
  foreign key (org_id, project_grant_id) references project_grants (org_id, id),
  foreign key (org_id, project_role_id) references project_roles (org_id, id)
);
create index project_grant_roles_by_role on project_grant_roles (org_id, project_role_id);

-- Whoever can hold a role. project_id is set for an identity that a project owns: it lives and dies with that project.
create table principals (
  org_id uuid not null references orgs (id),
  id uuid not null,
  kind text not null check (kind in ('user', 'identity')),
  project_id uuid,
  user_name text not null,
  state text not null default 'active' check (state in ('active', 'initial', 'pending', 'inactive', 'locked')),
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
  check (project_id is null or kind = 'identity')
);
create unique index principals_user_name on principals (org_id, lower(user_name)) where deleted_at is null;
create index principals_by_id on principals (id);
create index principals_by_project on principals (org_id, project_id, id) where project_id is not null;

create table users (
  org_id uuid not null references orgs (id),
  id uuid not null,
  first_name text not null default '',
  last_name text not null default '',
  nick_name text not null default '',
  display_name text not null default '',
  preferred_language text not null default '',
  gender smallint not null default 0,
  email text not null,
  email_verified boolean not null default false,
  phone text,
  phone_verified boolean not null default false,
  password_hash text,
  password_changed_at timestamptz,
  last_active_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, id) references principals (org_id, id)
);
create index users_email on users (org_id, lower(email));

create table identities (
  org_id uuid not null references orgs (id),
  id uuid not null,
  name text not null,
  description text,
  tags jsonb not null default '[]',
  access_token_type smallint not null default 0,
  primary key (org_id, id),
  foreign key (org_id, id) references principals (org_id, id)
);

create table identity_metadata (
  org_id uuid not null references orgs (id),
  identity_id uuid not null,
  id uuid not null,
  key text not null,
  value text not null,
  primary key (org_id, identity_id, id),
  foreign key (org_id, identity_id) references identities (org_id, id)
);

-- Anything that authenticates. It records the generations it was made under; authentication compares them, so accepting a
-- delete ends every credential below it by bumping one integer. Clocks are never compared for this.
create table credentials (
  org_id uuid not null references orgs (id),
  id uuid not null,
  principal_id uuid not null,
  kind text not null check (kind in ('pat', 'service_account_token')),
  digest bytea not null,
  name text,
  scopes text[] not null default '{}',
  client_id uuid,
  session_id uuid,
  org_generation integer not null,
  project_generation integer,
  principal_generation integer not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  sequence bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz,
  primary key (org_id, id),
  foreign key (org_id, principal_id) references principals (org_id, id)
);
create index credentials_by_principal on credentials (org_id, principal_id, id);
