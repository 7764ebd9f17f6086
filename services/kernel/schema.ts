/** The tables as Kysely sees them: one type a table. The SQL in migrations/ is the truth; this file only types it. */
import type { ColumnType, Generated } from "kysely";
import type {
  ClientId,
  ClusterId,
  ClusterManagerId,
  CredentialId,
  GrantId,
  GroupId,
  OperationId,
  OrgId,
  PrincipalId,
  ProjectGrantId,
  ProjectId,
  ProjectRoleId,
} from "./ids.ts";

export type Tag = { readonly name: string; readonly value: string };
type Json<T> = ColumnType<T, string | undefined, string>;

/** Columns of everything that can be deleted by name. */
type Lifecycle = {
  protected: Generated<boolean>;
  liens: Generated<number>;
  generation: Generated<number>;
  sequence: bigint;
  created_at: Generated<Date>;
  updated_at: Date | null;
  deleted_at: Date | null;
  operation_id: OperationId | null;
  purge_at: Date | null;
};

type Described = { name: string; description: string | null; tags: Json<Tag[]> };

export type PrincipalKind = "user" | "identity";
export type PrincipalState = "active" | "initial" | "pending" | "inactive" | "locked";
export type CredentialKind = "pat" | "service_account_token" | "oidc_grant" | "authorization_code" | "access_token" | "refresh_token";
export type ClientKind = "oidc" | "api";
export type GrantScope = "instance" | "org" | "project" | "project_grant";
export type Phase = "access_ended" | "waiting" | "retained" | "purging" | "verifying" | "done";

type Orgs = Lifecycle &
  Described & {
    id: OrgId;
    state: Generated<"active" | "inactive">;
    email_domain: string | null;
    provider_scope: string | null;
    provider_id: string | null;
    google_customer_id: string | null;
  };
type Projects = Lifecycle &
  Described & {
    org_id: OrgId;
    id: ProjectId;
    state: Generated<"active" | "inactive">;
    role_assertion: Generated<boolean>;
    role_check: Generated<boolean>;
    has_project_check: Generated<boolean>;
    private_labeling: Generated<number>;
  };
type ProjectRoles = Lifecycle & {
  org_id: OrgId;
  id: ProjectRoleId;
  project_id: ProjectId;
  key: string;
  display_name: string;
  role_group: Generated<string>;
};
type ProjectGrants = Lifecycle & {
  org_id: OrgId;
  id: ProjectGrantId;
  project_id: ProjectId;
  granted_org_id: OrgId;
  state: Generated<"active" | "inactive">;
};
type Principals = Lifecycle & {
  org_id: OrgId;
  id: PrincipalId;
  kind: PrincipalKind;
  project_id: ProjectId | null;
  user_name: string;
  state: Generated<PrincipalState>;
};
type Groups = Lifecycle & Described & { org_id: OrgId; id: GroupId };
type Grants = {
  org_id: OrgId;
  id: GrantId;
  kind: "member" | "authorization";
  scope: GrantScope;
  project_id: ProjectId | null;
  project_grant_id: ProjectGrantId | null;
  owner_org_id: OrgId;
  principal_org_id: OrgId | null;
  principal_id: PrincipalId | null;
  group_id: GroupId | null;
  state: Generated<"active" | "inactive">;
  sequence: bigint;
  created_at: Generated<Date>;
  updated_at: Date | null;
};
type Resources = Lifecycle & Described & { org_id: OrgId; project_id: ProjectId; spec: Json<Record<string, unknown>> };
type ClusterManagers = Resources & { id: ClusterManagerId };
type Clusters = Resources & { id: ClusterId; cluster_manager_id: ClusterManagerId };

export type Schema = {
  instance: {
    singleton: Generated<boolean>;
    id: string;
    domain: string;
    default_org_id: OrgId;
    iam_org_id: OrgId;
    iam_project_id: ProjectId;
    created_at: Generated<Date>;
  };
  orgs: Orgs;
  org_domains: { org_id: OrgId; domain: string; verified: boolean; is_primary: boolean };
  claims: { kind: "org_name" | "domain"; key: string; org_id: OrgId };
  aggregates: { id: string; org_id: OrgId; kind: string; sequence: bigint };
  audit_events: {
    org_id: OrgId;
    aggregate_id: string;
    sequence: bigint;
    aggregate_kind: string;
    type: string;
    actor_org_id: OrgId | null;
    actor_id: PrincipalId | null;
    operation_id: OperationId | null;
    request_id: string | null;
    facts: Json<Record<string, unknown>>;
    created_at: Generated<Date>;
    chain_position: bigint | null;
    chain_hash: Buffer | null;
  };
  projects: Projects;
  project_roles: ProjectRoles;
  project_grants: ProjectGrants;
  project_grant_roles: { org_id: OrgId; project_grant_id: ProjectGrantId; project_role_id: ProjectRoleId };
  principals: Principals;
  users: {
    org_id: OrgId;
    id: PrincipalId;
    first_name: string;
    last_name: string;
    nick_name: string;
    display_name: string;
    preferred_language: string;
    gender: number;
    email: string;
    email_verified: boolean;
    phone: string | null;
    phone_verified: boolean;
    password_hash: string | null;
    password_changed_at: Date | null;
    last_active_at: Date | null;
  };
  identities: {
    org_id: OrgId;
    id: PrincipalId;
    name: string;
    description: string | null;
    tags: Json<Tag[]>;
    access_token_type: number;
  };
  identity_metadata: { org_id: OrgId; identity_id: PrincipalId; id: string; key: string; value: string };
  credentials: {
    org_id: OrgId;
    id: CredentialId;
    principal_id: PrincipalId;
    kind: CredentialKind;
    digest: Buffer | null;
    name: string | null;
    scopes: string[];
    client_id: ClientId | null;
    session_id: string | null;
    org_generation: number;
    project_generation: number | null;
    principal_generation: number;
    expires_at: Date | null;
    last_used_at: Date | null;
    sequence: bigint;
    created_at: Generated<Date>;
    updated_at: Date | null;
    client_org_id: OrgId | null;
    client_org_generation: number | null;
    client_project_generation: number | null;
    grant_id: CredentialId | null;
    payload: Json<Record<string, unknown> | null>;
    consumed_at: Date | null;
  };
  clients: {
    org_id: OrgId;
    id: ClientId;
    project_id: ProjectId;
    name: string;
    kind: ClientKind;
    secret_digest: Buffer | null;
    redirect_uris: string[];
    post_logout_redirect_uris: string[];
    single_session: Generated<boolean>;
    created_at: Generated<Date>;
  };
  issuer_artifacts: {
    model: "Session" | "Interaction";
    digest: string;
    uid: string | null;
    org_id: OrgId | null;
    principal_id: PrincipalId | null;
    org_generation: number | null;
    principal_generation: number | null;
    payload: Json<Record<string, unknown>>;
    expires_at: Date;
  };
  issuer_keys: { id: string; sealed: Buffer; created_at: Generated<Date> };
  login_attempts: { subject: string; failures: number; since: Generated<Date> };
  groups: Groups;
  group_members: { org_id: OrgId; group_id: GroupId; principal_id: PrincipalId };
  group_subjects: { org_id: OrgId; group_id: GroupId; issuer: string; subject: string; email: string | null };
  project_groups: { org_id: OrgId; project_id: ProjectId; group_id: GroupId };
  grants: Grants;
  grant_roles: {
    org_id: OrgId;
    grant_id: GrantId;
    id: string;
    role: string | null;
    project_role_id: ProjectRoleId | null;
    temporary_range: string | null;
    starts_at: Date | null;
    ends_at: Date | null;
    created_at: Generated<Date>;
    updated_at: Date | null;
  };
  project_references: { org_id: OrgId; project_id: ProjectId; reference: string; created_at: Generated<Date> };
  cluster_managers: ClusterManagers;
  clusters: Clusters;
  operations: {
    org_id: OrgId;
    id: OperationId;
    target_kind: string;
    target_id: string;
    phase: Phase;
    requester_org_id: OrgId | null;
    requester_id: PrincipalId | null;
    request_id: string | null;
    step: Generated<number>;
    cursor: Json<string[] | null>;
    removed: Json<Record<string, number>>;
    blockers: Json<string[]>;
    attempts: Generated<number>;
    next_attempt_at: Generated<Date>;
    lease_owner: string | null;
    lease_until: Date | null;
    failure: string | null;
    created_at: Generated<Date>;
    updated_at: Generated<Date>;
    done_at: Date | null;
  };
  live_orgs: Orgs;
  live_projects: Projects;
  live_principals: Principals;
  live_groups: Groups;
  live_project_roles: ProjectRoles;
  live_project_grants: ProjectGrants;
  live_grants: Grants;
  live_cluster_managers: ClusterManagers;
  live_clusters: Clusters;
};
