/** ZITADEL's ObjectDetails and ListDetails from our rows. */
import type { ListDetails, ObjectDetails } from "../../../proto/gen/zitadel/v1/details.ts";

/** Columns that every row with details has. */
export type Detailed = { readonly sequence: bigint; readonly created_at: Date; readonly updated_at: Date | null };

/** Details of something that is read: all four members. */
export function readDetails(row: Detailed, resourceOwner: string): ObjectDetails {
  return { sequence: row.sequence, creationDate: row.created_at, changeDate: row.updated_at ?? row.created_at, resourceOwner };
}

/** Details of something that was just made: no changeDate. */
export function addedDetails(made: { readonly sequence: bigint; readonly createdAt: Date }, resourceOwner: string): ObjectDetails {
  return { sequence: made.sequence, creationDate: made.createdAt, changeDate: undefined, resourceOwner };
}

/** Details of something that was just changed or removed: no creationDate. */
export function changedDetails(changed: { readonly sequence: bigint; readonly changedAt: Date }, resourceOwner: string): ObjectDetails {
  return { sequence: changed.sequence, creationDate: undefined, changeDate: changed.changedAt, resourceOwner };
}

/** Details of a list. Reads never lag behind writes here, so the view is as of now and no sequence is told. */
export function listDetails(total: bigint | number): ListDetails {
  return { totalResult: BigInt(total), processedSequence: 0n, viewTimestamp: new Date() };
}
