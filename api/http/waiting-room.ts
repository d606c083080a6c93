/** How many requests wait for finality. Each costs the node a listener, so that there is a bound. */
export class WaitingRoom {
  private readonly max: number;
  private inside = 0;

  constructor(max: number) {
    this.max = max;
  }

  get count(): number {
    return this.inside;
  }

  /** Waits for `finality` when there is room; false at once when there is none. */
  async wait(finality: () => Promise<boolean>): Promise<boolean> {
    if (this.inside >= this.max) return false;
    this.inside += 1;
    try {
      return await finality();
    } finally {
      this.inside -= 1;
    }
  }
}
