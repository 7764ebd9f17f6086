/** The one permission vocabulary. Dialects have other words for these; roles.ts names sets of them. */
export const permissions = [
  "instance.read",
  "instance.write",
  "org.read",
  "org.create",
  "org.write",
  "org.delete",
  "org.member.read",
  "org.member.write",
  "org.member.delete",
  "user.read",
  "user.write",
  "user.delete",
  "user.grant.read",
  "user.grant.write",
  "user.grant.delete",
  "identity.read",
  "identity.write",
  "identity.delete",
  "credential.read",
  "credential.write",
  "credential.delete",
  "group.read",
  "group.write",
  "group.delete",
  "role.read",
  "project.read",
  "project.create",
  "project.write",
  "project.delete",
  "project.member.read",
  "project.member.write",
  "project.member.delete",
  "project.role.read",
  "project.role.write",
  "project.role.delete",
  "project.grant.read",
  "project.grant.write",
  "project.grant.delete",
  "reference.write",
  "reference.delete",
  "resource.read",
  "resource.write",
  "resource.delete",
] as const;

export type Permission = (typeof permissions)[number];

const known: ReadonlySet<string> = new Set(permissions);

/** Whether a word of a proto option is one of ours. */
export function isPermission(word: string): word is Permission {
  return known.has(word);
}
