/**
 * Submissions under way: how many, and of how many bytes. Beyond the bounds a request is refused before its body is
 * read; what it would cost to look at it is what the node does not have.
 */
import type { ApiLimits } from '../limits.ts';
import { ProblemError } from '../problem.ts';

export class Intake {
  private readonly limits: Pick<ApiLimits, 'maxSubmissions' | 'maxSubmissionBytes'>;
  private requests = 0;
  private bytes = 0;

  constructor(limits: Pick<ApiLimits, 'maxSubmissions' | 'maxSubmissionBytes'>) {
    this.limits = limits;
  }

  get count(): number {
    return this.requests;
  }

  /**
   * Does `work` while the request counts.
   * @param maxBytes what counts for a body whose length is not declared, and at most.
   * @throws {ProblemError} OVERLOADED
   */
  async admit<T>(request: Request, maxBytes: number, work: () => Promise<T>): Promise<T> {
    const declared = Number(request.headers.get('Content-Length') ?? maxBytes);
    const size = Number.isFinite(declared) ? Math.min(declared, maxBytes) : maxBytes;
    const { maxSubmissions, maxSubmissionBytes } = this.limits;
    if (this.requests >= maxSubmissions || this.bytes + size > maxSubmissionBytes) {
      throw new ProblemError('OVERLOADED', { detail: `${this.requests} submissions are under way` });
    }
    this.requests += 1;
    this.bytes += size;
    try {
      return await work();
    } finally {
      this.requests -= 1;
      this.bytes -= size;
    }
  }
}
