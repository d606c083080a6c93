/** What a component says of each type of event that its projections bring: for subscribers, and for the AsyncAPI file. */
import type { Collection, FieldDeclaration, FieldType } from './projection.ts';

export interface EventField {
  readonly type: FieldType;
  readonly description: string;
  /** Whether subscriptions may ask for one value of it. */
  readonly filter: boolean;
  /** Not in every event of the type. */
  readonly optional?: boolean;
  /** Holds several values; to ask for one is to ask that it be among them. */
  readonly list?: boolean;
}

export interface EventDeclaration {
  /** `component.pastTense`, as the chain's own event has it. */
  readonly type: string;
  readonly description: string;
  readonly fields: Readonly<Record<string, EventField>>;
  /** Fields under this prefix are whatever the registrants call them; subscriptions may ask for them. */
  readonly open?: string;
  /**
   * The fields that together name what the event is about: events of the component about the same are delivered one
   * after the other, in the order of the chain. One that lacks any of them has an order with nothing, nor has any of a
   * type with null; a type without fields is about the one thing that there is.
   */
  readonly subject: readonly string[] | null;
}

export function always(type: FieldType, description: string): EventField {
  return { type, description, filter: true };
}

/** The fields of a collection's rows, for an event that tells a whole row. @param always those that every row has. */
export function rowFields(
  { fields }: Collection,
  { always: required, lists }: { readonly always: readonly string[]; readonly lists: readonly string[] },
): Readonly<Record<string, EventField>> {
  const field = (name: string, { type, indexed, description }: FieldDeclaration): EventField => ({
    ...{ type, description, filter: indexed },
    ...(!required.includes(name) && { optional: true }),
    ...(lists.includes(name) && { list: true }),
  });
  return Object.fromEntries(Object.entries(fields).map(([name, declared]) => [name, field(name, declared)]));
}
