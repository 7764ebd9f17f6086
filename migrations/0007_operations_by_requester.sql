-- breaking: no
-- Deleting an org looks for what its principals asked for by the org alone, which the first predicate did not cover.

drop index operations_by_requester;
create index operations_by_requester on operations (requester_org_id, requester_id) where requester_org_id is not null;
