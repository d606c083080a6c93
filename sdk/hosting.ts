/** Hosting a file: its bytes go to storage, its digest and that of its address on chain. */

import { BropError } from '../node-core/chain/codes.ts';
import type { Register } from '../node-core/chain/operations/evidence.ts';
import { toHex, utf8 } from '../node-core/codec/bytes.ts';
import type { ApiSchemas } from './api-client.ts';
import type { ClientCore } from './client-core.ts';
import { digestOf } from './digest.ts';

export type HostedFile = ApiSchemas['HostedFile'];
type Upload = ApiSchemas['HostedUpload'];
type Form = NonNullable<Upload['upload']>;

export interface HostOptions extends Omit<Register, 'digests' | 'hosted' | 'sizeBytes' | 'mediaType'> {
  /** `application/octet-stream` without it. */
  readonly mediaType?: string;
}

const SCOPE = 'hosting:manage';
/** How long the check of an upload is waited for, and how often is asked. */
const CHECK_PATIENCE_MS = 120_000;
const ASK_EVERY_MS = 500;

export class Hosting {
  private readonly core: ClientCore;

  constructor(core: ClientCore) {
    this.core = core;
  }

  /**
   * Uploads a file and waits until it is stored. What is stored twice is one file.
   * @returns the file, and the fields of `evidence.register` that make it public.
   * @throws {BropError} HOSTED_FILE_TOO_LARGE, NOT_PERMITTED; PROOF_FILE when what arrived was something else;
   *   NODE_UNREACHABLE when the storage does not take it, or its check does not end.
   */
  async store(
    content: Uint8Array | Blob,
    { mediaType = 'application/octet-stream', ...about }: HostOptions = {},
    signal?: AbortSignal,
  ): Promise<{ readonly file: HostedFile; readonly body: Register }> {
    const digests = await digestOf(content);
    const sizeBytes = content instanceof Blob ? content.size : content.length;
    const sha256 = toHex(digests.get('sha-256')!);
    const body = utf8(JSON.stringify({ sha256, sizeBytes, mediaType }));
    const asked = await this.json<Upload>('/v1/hosting/files', { method: 'POST', body, signal });
    if (asked.upload !== null) await this.post(asked.upload, content, signal);
    const file = asked.upload === null ? asked.file : await this.checked(asked.file.id, signal);
    // The digest of the address is made here: what a node says of it goes on chain under nobody's name.
    const hosted = this.core.crypto.hash('sha-256', utf8(file.address));
    return { file, body: { ...about, digests, mediaType, sizeBytes, hosted: Uint8Array.from(hosted) } };
  }

  private json<T>(path: string, options: { method?: 'POST'; body?: Uint8Array; signal?: AbortSignal | undefined }) {
    return this.core.authorizedJson<T>(path, SCOPE, options);
  }

  private async post({ url, fields }: Form, content: Uint8Array | Blob, signal?: AbortSignal): Promise<void> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    // S3 takes no field after it.
    form.append('file', content instanceof Blob ? content : new Blob([Uint8Array.from(content)]));
    const answer = await this.core.fetch(url, { method: 'POST', body: form, ...(signal && { signal }) });
    await answer.body?.cancel();
    if (!answer.ok) throw new BropError('NODE_UNREACHABLE', `the storage answers ${answer.status}`);
  }

  private async checked(id: string, signal?: AbortSignal): Promise<HostedFile> {
    const patience = AbortSignal.timeout(CHECK_PATIENCE_MS);
    const either = signal === undefined ? patience : AbortSignal.any([signal, patience]);
    for (;;) {
      const file = await this.json<HostedFile>(`/v1/hosting/files/${id}/state`, { signal });
      if (file.state === 'stored') return file;
      if (file.state === 'refused') throw new BropError('PROOF_FILE', 'what arrived is not what was sent');
      signal?.throwIfAborted();
      if (patience.aborted) throw new BropError('NODE_UNREACHABLE', 'the upload has not been checked yet; ask again');
      await this.core.pause(ASK_EVERY_MS, either).catch(() => {});
    }
  }
}
