/** Time for what ends by itself: log lines, the last message to a parent. */
const LAST_MS = 5_000;

/**
 * Ends this process although something in it does not: a call into a token's driver that never returns. Node's own exit
 * waits for the thread of that call (libuv joins its pool), so only the system can end it. For when all is done in order.
 */
export function endForSure(afterMs = LAST_MS): void {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), afterMs).unref();
}
