// The table of dialects: which spelling a method or a path has. One row a dialect; the algorithms beside it know no names.

import type { Dialect } from "./dialect.ts";
import { infisical } from "./infisical.ts";
import { nscale } from "./nscale.ts";
import { tenure } from "./tenure.ts";
import { zitadel } from "./zitadel.ts";

interface Row {
  readonly dialect: Dialect;
  /** Proto packages: this one and those below it. */
  readonly packages: readonly string[];
  /** Paths: this one and those below it; they decide for requests that match no route. */
  readonly paths: readonly string[];
}

const ROWS: readonly Row[] = [
  { dialect: zitadel, packages: ["zitadel"], paths: ["/admin/v1", "/management/v1"] },
  { dialect: nscale, packages: ["nscale"], paths: ["/api/v1/organizations", "/oauth2/v2"] },
  { dialect: infisical, packages: ["infisical"], paths: ["/api/v1/projects", "/api/v1/identities", "/api/v1/auth", "/api/v2"] },
];

/** The dialect of a method, by the package of its service. */
export function dialectOfPackage(name: string): Dialect {
  return ROWS.find(({ packages }) => packages.some((prefix) => isWithin(name, prefix, ".")))?.dialect ?? tenure;
}

/** The dialect of a request whose path is no route. */
export function dialectOfPath(path: string): Dialect {
  return ROWS.find(({ paths }) => paths.some((prefix) => isWithin(path, prefix, "/")))?.dialect ?? tenure;
}

function isWithin(name: string, prefix: string, separator: string): boolean {
  return name.startsWith(prefix) && (name.length === prefix.length || name[prefix.length] === separator);
}
