/**
 * Why an attempt got no answer:
 * - address: the host's addresses are, in part or all, of a kind that is never connected to.
 * - dns: the host has no address, or its name servers do not answer. - connect: refused, unreachable or reset.
 * - tls: no handshake, or a certificate that does not hold for the host. - timeout: not whole within the limit.
 * - garbage: the answer is not HTTP. - too-large: the answer is longer than is read.
 */
export type NoAnswer = 'address' | 'dns' | 'connect' | 'tls' | 'timeout' | 'garbage' | 'too-large';

export type PostOutcome =
  | {
      readonly kind: 'answered';
      readonly status: number;
      /** What `Retry-After` asks for, in seconds from now, when it is well formed. */
      readonly retryAfterSeconds?: number;
    }
  | { readonly kind: 'none'; readonly reason: NoAnswer };

/**
 * Requests to addresses that strangers have chosen. Whatever these do costs one connection, for a bounded time and in
 * bounded memory, and reaches nothing but hosts of the public Internet.
 *
 * - `refusal` looks at the URL alone: why it can never be posted to, in words for its owner; null when it may be tried.
 * - `post` never rejects, and settles within the driver's time limit. It follows no redirect: 3xx is an answer.
 *   The addresses of a host are looked up once for each post; what is connected to is the one that was checked.
 * - After `close`, which ends posts under way with `connect`, every post ends so.
 */
export interface WebhookTransport {
  refusal(url: string): string | null;
  post(url: string, headers: Readonly<Record<string, string>>, body: Uint8Array): Promise<PostOutcome>;
  close(): void;
}
