/**
 * The contract as data: what proto/gen/descriptors.binpb says of every RPC. Read once at start; the guard chain, validation
 * and reflection work from it and know no RPC by name.
 */
import { readFileSync } from "node:fs";
import {
  createFileRegistry,
  type DescExtension,
  type DescMessage,
  type DescMethod,
  type FileRegistry,
  fromBinary,
  getOption,
  hasOption,
} from "@bufbuild/protobuf";
import { type FileDescriptorSet, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Scope } from "../../proto/gen/tenure/options/v1/rpc.ts";
import { isPermission, type Permission } from "../access/permissions.ts";

export type DialectName = "zitadel" | "nscale" | "infisical" | "tenure";

/** One RPC: where it is, what it takes, who may call it. */
export type Rpc = {
  /** "/zitadel.admin.v1.AdminService/RemoveOrg" */
  readonly path: string;
  /** "zitadel.admin.v1.AdminService" */
  readonly service: string;
  /** "RemoveOrg" */
  readonly name: string;
  readonly dialect: DialectName;
  readonly input: DescMessage;
  readonly scope: Exclude<Scope, 0>;
  /** Null only for the scopes PUBLIC and AUTHENTICATED, and for ORG where the handler narrows what it shows. */
  readonly permission: Permission | null;
  /** Local names of the request fields that name the place of the call. */
  readonly orgField: string | null;
  readonly projectField: string | null;
  readonly grantField: string | null;
  readonly belowTombstone: boolean;
  readonly selfService: boolean;
};

/** The value of the method option, as dynamic reflection gives it. */
type Option = {
  readonly permission: string;
  readonly scope: Scope;
  readonly orgField: string;
  readonly projectField: string;
  readonly grantField: string;
  readonly belowTombstone: boolean;
  readonly selfService: boolean;
};

const file = new URL("../../proto/gen/descriptors.binpb", import.meta.url);

/** Every file of the contract, in binary, for reflection. */
export const descriptors: FileDescriptorSet = fromBinary(FileDescriptorSetSchema, readFileSync(file));
export const registry: FileRegistry = createFileRegistry(descriptors);

/**
 * All RPCs of one service, by name.
 *
 * @throws Error when an RPC does not say who may call it: such a service must not start
 */
export function rpcsOf(serviceName: string): Map<string, Rpc> {
  const service = registry.getService(serviceName);
  if (!service) throw new Error(`${serviceName} is not in the contract; run npm run generate`);
  return new Map(service.methods.map((method) => [method.name, toRpc(method)]));
}

function toRpc(method: DescMethod): Rpc {
  const option = optionOf(method);
  const path = `/${method.parent.typeName}/${method.name}`;
  const refuse = (why: string): never => {
    throw new Error(`${path}: ${why} (option tenure.options.v1.rpc)`);
  };
  const field = (name: string): string | null => {
    if (name === "") return null;
    return method.input.fields.find((candidate) => candidate.name === name)?.localName ?? refuse(`no request field ${name}`);
  };
  const scope = option?.scope ?? 0;
  if (!option || scope === 0) return refuse("does not say who may call it");
  const free =
    scope === Scope.SCOPE_PUBLIC || scope === Scope.SCOPE_AUTHENTICATED || (scope === Scope.SCOPE_ORG && option.permission === "");
  if (!free && !isPermission(option.permission)) refuse(`unknown permission "${option.permission}"`);
  if (scope === Scope.SCOPE_ORG && option.orgField === "") refuse("scope ORG needs org_field");
  if (scope === Scope.SCOPE_PROJECT && option.projectField === "") refuse("scope PROJECT needs project_field");
  return {
    path,
    service: method.parent.typeName,
    name: method.name,
    dialect: dialectOf(method.parent.typeName),
    input: method.input,
    scope,
    permission: isPermission(option.permission) ? option.permission : null,
    orgField: field(option.orgField),
    projectField: field(option.projectField),
    grantField: field(option.grantField),
    belowTombstone: option.belowTombstone,
    selfService: option.selfService,
  };
}

function optionOf(method: DescMethod): Option | null {
  const extension = extensionOf("tenure.options.v1.rpc");
  return hasOption(method, extension) ? (getOption(method, extension) as unknown as Option) : null;
}

/** A custom option by its full name. */
export function extensionOf(name: string): DescExtension {
  const extension = registry.getExtension(name);
  if (!extension) throw new Error(`extension ${name} is not in the contract`);
  return extension;
}

function dialectOf(service: string): DialectName {
  const first = service.split(".")[0];
  return first === "zitadel" || first === "nscale" || first === "infisical" ? first : "tenure";
}
