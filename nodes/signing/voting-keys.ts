/** The key or the two keys that sign votes, opened; which of two signs, the vote record says (ADR 0027). */
import { BropError } from '../../node-core/chain/codes.ts';
import { equal } from '../../node-core/codec/bytes.ts';
import type { Log } from '../../node-core/ports/log.ts';
import type { Signer } from '../../node-core/ports/signer.ts';
import type { Standby } from '../../node-core/runtime/voting.ts';
import { clusterOutage } from './cluster-outage.ts';
import { type OpenSigner, openSigner, type SignerPatience } from './open-signer.ts';
import type { AutoSignerConfig, OneSignerConfig, SignerConfig } from './signer-config.ts';
import { withTimeLimit } from './time-limit.ts';

export interface VotingKeys {
  /** The primary key; the standby one where that could not be opened. */
  readonly signer: Signer;
  /** Null where only one key may sign. */
  readonly standby: Standby | null;
  close(): void;
}

/** An HSM signs in some 10 ms; the others wait for a vote of this height for a second or more. */
const PRIMARY_LIMIT_MS = 3_000;
/** So long a primary key in a KMS that is throttled or away is waited for at a start, before the standby key stands in. */
const PRIMARY_PATIENCE_MS = 30_000;

/**
 * @param signal ends the waiting for a KMS that is away.
 * @param choice the environment's SIGNER: `auto`, or the driver of a part of the config that is to sign alone.
 * @throws {BropError} CONFIG_INVALID, naming the field. With two keys a primary one that cannot be opened is logged only;
 *   the standby key must open: it may be the one that is to sign.
 */
export async function openVotingKeys(
  config: SignerConfig,
  choice: string | undefined,
  log: Log,
  signal?: AbortSignal,
): Promise<VotingKeys> {
  const chosen = chooseSigner(config, choice);
  if (chosen.driver === 'auto') return openBoth(chosen, log, signal);
  const { signer, close } = await opened('consensusKey', chosen, log, { signal });
  return { signer, standby: null, close };
}

async function opened(field: string, config: OneSignerConfig, log: Log, patience: SignerPatience): Promise<OpenSigner> {
  try {
    return await openSigner(config, log, patience);
  } catch (error) {
    if (error instanceof BropError) throw error;
    throw new BropError('CONFIG_INVALID', `${field}: ${reasonOf(error)}`, { cause: error });
  }
}

/** @throws {BropError} CONFIG_INVALID when the config has no such part. */
export function chooseSigner(config: SignerConfig, choice: string | undefined): SignerConfig {
  if (choice === undefined || choice === '' || choice === config.driver) return config;
  const parts: readonly OneSignerConfig[] = config.driver === 'auto' ? [config.primary, config.standby] : [config];
  const part = parts.find(({ driver }) => driver === choice);
  if (part !== undefined) return part;
  const known = [...new Set([config.driver, ...parts.map(({ driver }) => driver)])].join(', ');
  throw new BropError('CONFIG_INVALID', `SIGNER=${choice}: consensusKey has no such driver, only ${known}.`);
}

async function openBoth(config: AutoSignerConfig, log: Log, signal: AbortSignal | undefined): Promise<VotingKeys> {
  const standby = await opened('consensusKey.standby', config.standby, log, { signal });
  try {
    const primary = await openPrimary(config, log, { signal, patienceMs: PRIMARY_PATIENCE_MS });
    if (primary !== null && isSameKey(primary.signer, standby.signer))
      throw new BropError('CONFIG_INVALID', 'consensusKey: primary and standby are the same key.');
    const close = () => {
      primary?.close();
      standby.close();
    };
    const onFailOver = (cause: unknown) =>
      log.error('the primary key fails: the standby key signs from here on', { reason: reasonOf(cause) });
    return {
      signer: primary === null ? standby.signer : withTimeLimit(primary.signer, PRIMARY_LIMIT_MS),
      standby: { signer: standby.signer, returns: config.returns, onFailOver },
      close,
    };
  } catch (error) {
    standby.close();
    throw error;
  }
}

/** Null, with a line in the log, when it is out of reach. */
async function openPrimary(config: AutoSignerConfig, log: Log, patience: SignerPatience): Promise<OpenSigner | null> {
  try {
    const outage = await clusterOutage(config, log);
    if (outage === null) return await openSigner(config.primary, log, patience);
    log.error('the primary key is out of reach', { reason: outage });
  } catch (error) {
    log.error('the primary key is out of reach', { reason: reasonOf(error) });
  }
  return null;
}

function isSameKey({ publicKey: a }: Signer, { publicKey: b }: Signer): boolean {
  return a.suite === b.suite && equal(a.bytes, b.bytes);
}

const MAX_REASON_CHARACTERS = 300;

function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message || error.name : String(error)).slice(0, MAX_REASON_CHARACTERS);
}
