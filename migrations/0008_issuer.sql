-- breaking: no
-- The OpenID Connect issuer: clients, the tokens and codes it gives out, what is known of a browser, its keys, and how often
-- somebody guessed.

-- A program that logs people in ('oidc'), or asks what a token is worth ('api'). It lives and dies with its project.
create table clients (
  org_id uuid not null references orgs (id),
  id uuid not null,
  project_id uuid not null,
  name text not null,
  kind text not null check (kind in ('oidc', 'api')),
  secret_digest bytea check (kind = 'oidc' or secret_digest is not null),
  redirect_uris text[] not null default '{}',
  post_logout_redirect_uris text[] not null default '{}',
  single_session boolean not null default false,
  created_at timestamptz not null default now(),
  primary key (org_id, id),
  foreign key (org_id, project_id) references projects (org_id, id)
);
create index clients_by_project on clients (org_id, project_id, id);
-- A request names a client without its org.
create index clients_by_id on clients (id);

-- What the issuer gives out hangs on a principal and on a client, which may be of another org; both sides' generations count.
-- grant_id is the family: the grant, and every code and token that came from it. A grant itself is never presented.
alter table credentials
  drop constraint credentials_kind_check,
  add constraint credentials_kind_check check (
    kind in ('pat', 'service_account_token', 'oidc_grant', 'authorization_code', 'access_token', 'refresh_token')
  ),
  alter column digest drop not null,
  add constraint credentials_digest_check check (kind = 'oidc_grant' or digest is not null),
  add column client_org_id uuid,
  add column client_org_generation integer,
  add column client_project_generation integer,
  add column grant_id uuid,
  add column payload jsonb,
  add column consumed_at timestamptz,
  add constraint credentials_client_check check ((client_id is null) = (client_org_id is null)),
  add foreign key (client_org_id, client_id) references clients (org_id, id);
create index credentials_by_client on credentials (client_org_id, client_id) where client_org_id is not null;
create index credentials_by_grant on credentials (org_id, grant_id) where grant_id is not null;
create index credentials_issued_by_expiry on credentials (expires_at) where grant_id is not null;

-- What a browser's cookies point at. Before a login nobody knows whose it is; from then on it is its user's.
create table issuer_artifacts (
  model text not null check (model in ('Session', 'Interaction')),
  digest text not null,
  uid text,
  org_id uuid references orgs (id),
  principal_id uuid,
  org_generation integer,
  principal_generation integer,
  payload jsonb not null,
  expires_at timestamptz not null,
  primary key (model, digest),
  foreign key (org_id, principal_id) references principals (org_id, id),
  check ((org_id is null) = (principal_id is null))
);
create unique index issuer_artifacts_uid on issuer_artifacts (model, uid) where uid is not null;
create index issuer_artifacts_by_principal on issuer_artifacts (org_id, principal_id) where org_id is not null;
create index issuer_artifacts_by_expiry on issuer_artifacts (expires_at);

-- Private keys, sealed with a key that is not in the database.
create table issuer_keys (
  id uuid primary key,
  sealed bytea not null,
  created_at timestamptz not null default now()
);

-- Failed logins of one account or one address in the present window. The subject is a keyed hash: it names nobody.
create table login_attempts (
  subject text primary key,
  failures integer not null,
  since timestamptz not null default now()
);
create index login_attempts_by_time on login_attempts (since);
