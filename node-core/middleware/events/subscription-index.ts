/**
 * Finds the subscriptions that want an event without looking at those that do not. Each stands under one of its
 * conditions, per type; an event asks under each of its own values, and what it finds is compared in full. The cost of an
 * event is that of its fields and of the subscriptions that share one of its values, however many others there are.
 */
import type { FieldValue } from '../../ledger/projection.ts';
import type { Event } from './event.ts';
import { type EventFilter, matches } from './filter.ts';

type Wanted = EventFilter & { readonly id: string };

export class SubscriptionIndex {
  private readonly places = new Map<string, Map<string, Wanted>>();
  private readonly byId = new Map<string, Wanted>();

  get size(): number {
    return this.byId.size;
  }

  /** Puts it in, or in place of what had its ID. */
  put(wanted: Wanted): void {
    this.remove(wanted.id);
    this.byId.set(wanted.id, wanted);
    for (const place of placesOf(wanted)) {
      const there = this.places.get(place) ?? new Map<string, Wanted>();
      this.places.set(place, there.set(wanted.id, wanted));
    }
  }

  remove(id: string): void {
    const wanted = this.byId.get(id);
    if (wanted === undefined) return;
    this.byId.delete(id);
    for (const place of placesOf(wanted)) {
      const there = this.places.get(place);
      there?.delete(id);
      if (there?.size === 0) this.places.delete(place);
    }
  }

  /** IDs of those that want the event, each once. */
  *of(event: Pick<Event, 'type' | 'data'>): Iterable<string> {
    const { type, data } = event;
    yield* this.at(EVERYTHING, event);
    yield* this.at(placeOf(type), event);
    for (const name in data) {
      const value = data[name]!;
      // A list that holds a value twice must not find anybody twice.
      const values = Array.isArray(value) ? new Set<FieldValue>(value) : [value as FieldValue];
      for (const one of values) yield* this.at(placeOf(type, name, one), event);
    }
  }

  private *at(place: string, event: Pick<Event, 'type' | 'data'>): Iterable<string> {
    for (const wanted of this.places.get(place)?.values() ?? []) if (matches(wanted, event)) yield wanted.id;
  }
}

const EVERYTHING = '';

function placesOf({ types, filter }: Wanted): string[] {
  const [condition] = Object.entries(filter).sort(([a], [b]) => selectivity(a) - selectivity(b));
  if (types.length === 0) return [EVERYTHING];
  return [...new Set(types)].map((type) => (condition === undefined ? placeOf(type) : placeOf(type, ...condition)));
}

/** Fields that few events share a value of, first: a condition on any is right, one on these is quicker. */
const SELECTIVE = ['record', 'nonce', 'digest', 'subject', 'account', 'node', 'hash'];

function selectivity(name: string): number {
  const at = SELECTIVE.indexOf(name);
  return at >= 0 ? at : SELECTIVE.length + (name.includes('.') ? 0 : 1);
}

function placeOf(type: string, name?: string, value?: FieldValue): string {
  return name === undefined ? type : `${type} ${name} ${typeof value} ${value}`;
}
