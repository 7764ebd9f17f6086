-- breaking: no
-- Effective state is the worst of a thing and its ancestors. Every read goes through these views, so a tombstone on a root
-- hides everything below it at once, whatever rows the purge has not reached yet.

create view live_orgs as
select o.* from orgs o where o.deleted_at is null;

create view live_projects as
select p.* from projects p
join orgs o on o.id = p.org_id and o.deleted_at is null
where p.deleted_at is null;

create view live_principals as
select p.* from principals p
join orgs o on o.id = p.org_id and o.deleted_at is null
left join projects j on j.org_id = p.org_id and j.id = p.project_id
where p.deleted_at is null and (p.project_id is null or j.deleted_at is null);

create view live_groups as
select g.* from groups g
join orgs o on o.id = g.org_id and o.deleted_at is null
where g.deleted_at is null;

create view live_project_roles as
select r.* from project_roles r
join live_projects p on p.org_id = r.org_id and p.id = r.project_id
where r.deleted_at is null;

create view live_project_grants as
select g.* from project_grants g
join live_projects p on p.org_id = g.org_id and p.id = g.project_id
join orgs o on o.id = g.granted_org_id and o.deleted_at is null
where g.deleted_at is null;

create view live_grants as
select g.* from grants g
join orgs o on o.id = g.org_id and o.deleted_at is null
join orgs w on w.id = g.owner_org_id and w.deleted_at is null
left join live_principals p on p.org_id = g.principal_org_id and p.id = g.principal_id
left join groups u on u.org_id = g.org_id and u.id = g.group_id
left join projects j on j.org_id = g.org_id and j.id = g.project_id
left join live_project_grants x on x.org_id = g.org_id and x.id = g.project_grant_id
where (g.principal_id is null or p.id is not null)
  and (g.group_id is null or u.deleted_at is null)
  and (g.project_id is null or j.deleted_at is null)
  and (g.project_grant_id is null or x.id is not null);

create view live_cluster_managers as
select m.* from cluster_managers m
join live_projects p on p.org_id = m.org_id and p.id = m.project_id
where m.deleted_at is null;

create view live_clusters as
select c.* from clusters c
join live_cluster_managers m on m.org_id = c.org_id and m.id = c.cluster_manager_id
where c.deleted_at is null;
