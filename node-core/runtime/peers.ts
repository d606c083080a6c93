/** What this node knows of the nodes it is connected to. Nothing is sent to a peer before it has greeted. */
import type { AccountId } from '../chain/identifiers.ts';
import { isQuorum, type ValidatorSet } from '../chain/validator-set.ts';
import { equal, fromHex } from '../codec/bytes.ts';
import type { PeerId, Transport } from '../ports/transport.ts';

interface Peer {
  /** Up to where it is asked for blocks: its newest, as it last said or showed. */
  height: number;
  /** The highest that it has ever said or shown. */
  said: number;
  /** It has said which chain it is on, and it is ours. */
  greeted: boolean;
}

/** The chain as a directory: who signs now, and whose node has which key. */
export interface Directory {
  readonly validators: ValidatorSet;
  accountOfNode(nodeKey: Uint8Array): AccountId | undefined;
}

export class Peers {
  private readonly known = new Map<PeerId, Peer>();
  private readonly transport: Transport;
  private readonly directory: Directory;
  /** Index in the set in force, as far as it was asked for. */
  private readonly indexes = new Map<PeerId, number | undefined>();
  private set: ValidatorSet;

  constructor(transport: Transport, directory: Directory) {
    this.transport = transport;
    this.directory = directory;
    this.set = directory.validators;
  }

  /** The set or the registry of nodes has changed. */
  refresh(): void {
    this.set = this.directory.validators;
    this.indexes.clear();
  }

  connected(id: PeerId): void {
    this.known.set(id, { height: 0, said: 0, greeted: false });
  }

  disconnected(id: PeerId): void {
    this.known.delete(id);
    this.indexes.delete(id);
  }

  /** True when this is its first greeting on this connection. */
  greet(id: PeerId, height: number): boolean {
    const peer = this.known.get(id);
    if (peer === undefined) return false;
    const isFirst = !peer.greeted;
    peer.greeted = true;
    this.setHeight(id, height);
    return isFirst;
  }

  hasGreeted(id: PeerId): boolean {
    return this.known.get(id)?.greeted ?? false;
  }

  setHeight(id: PeerId, height: number): void {
    const peer = this.known.get(id);
    if (peer === undefined) return;
    peer.height = Math.max(peer.height, height);
    peer.said = Math.max(peer.said, height);
  }

  /** It did not have what it said it had: it is asked again only after it has said so again. */
  distrustHeight(id: PeerId): void {
    const peer = this.known.get(id);
    if (peer !== undefined) peer.height = 0;
  }

  get count(): number {
    return this.known.size;
  }

  get bestHeight(): number {
    return Math.max(0, ...this.greeted().map(([, peer]) => peer.height));
  }

  /**
   * A height that validators with more than a third of the power, so an honest one, say they have reached at least, as
   * soon as validators with more than two thirds (`self` is one) have spoken; null before.
   */
  agreedHeight(self: number | null): number | null {
    // A company may have several nodes, and has its power once.
    const best = new Map<number, number>();
    for (const [id, { height }] of this.greeted()) {
      const index = this.validatorIndex(id);
      if (index !== undefined && index !== self) best.set(index, Math.max(height, best.get(index) ?? 0));
    }
    const spoken = [...best].sort(([, one], [, other]) => other - one);
    const powerOf = (index: number) => this.set.validators[index]!.power;
    const heard = spoken.reduce((sum, [index]) => sum + powerOf(index), self === null ? 0 : powerOf(self));
    if (!isQuorum(this.set, heard)) return null;
    let power = 0;
    for (const [index, height] of spoken) {
      power += powerOf(index);
      if (3 * power > this.set.totalPower) return height;
    }
    return 0;
  }

  /** Peers that say they have this block, in a stable order. */
  having(height: number): PeerId[] {
    return this.greeted()
      .filter(([, peer]) => peer.height >= height)
      .map(([id]) => id);
  }

  /** Index in the validator set, by whose node it is; undefined for a follower. */
  validatorIndex(id: PeerId): number | undefined {
    if (!this.indexes.has(id) && this.known.has(id)) this.indexes.set(id, this.lookUp(id));
    return this.indexes.get(id);
  }

  private lookUp(id: PeerId): number | undefined {
    if (!/^(?:[0-9a-f]{2})+$/.test(id)) return undefined;
    const account = this.directory.accountOfNode(fromHex(id));
    if (account === undefined) return undefined;
    const index = this.set.validators.findIndex((validator) => equal(validator.id, account));
    return index === -1 ? undefined : index;
  }

  /** The height that the nodes of this validator say it has; null when none is connected and has greeted. */
  heightOfValidator(index: number): number | null {
    const heights = this.greeted().flatMap(([id, { said }]) => (this.validatorIndex(id) === index ? [said] : []));
    return heights.length === 0 ? null : Math.max(...heights);
  }

  isValidator(id: PeerId): boolean {
    return this.validatorIndex(id) !== undefined;
  }

  toAll(message: Uint8Array): void {
    for (const [id] of this.greeted()) this.transport.send(id, message);
  }

  toValidators(message: Uint8Array): void {
    for (const [id] of this.greeted()) if (this.isValidator(id)) this.transport.send(id, message);
  }

  /** New blocks go to nodes that take no part in consensus; validators have them already, and some followers too. */
  toFollowersBelow(height: number, message: Uint8Array): void {
    for (const [id, peer] of this.greeted()) {
      if (!this.isValidator(id) && peer.height < height) this.transport.send(id, message);
    }
  }

  private greeted(): [PeerId, Peer][] {
    return [...this.known].filter(([, peer]) => peer.greeted);
  }
}
