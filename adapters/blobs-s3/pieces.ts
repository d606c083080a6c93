/**
 * The same bytes in pieces of `size`, the last one shorter; one whose length `size` divides ends with no empty piece. The
 * pieces are copies: who makes the content may use its buffers again.
 */
export async function* inPieces(
  content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
  let piece = new Uint8Array(Math.min(size, 1 << 16));
  let used = 0;
  for await (const bytes of content) {
    for (let at = 0; at < bytes.length; ) {
      if (used === piece.length) piece = grown(piece, Math.min(size, 2 * piece.length));
      const taken = bytes.subarray(at, at + piece.length - used);
      piece.set(taken, used);
      used += taken.length;
      at += taken.length;
      if (used < size) continue;
      yield piece;
      piece = new Uint8Array(size);
      used = 0;
    }
  }
  if (used > 0) yield piece.slice(0, used);
  return undefined;
}

function grown(piece: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  const longer = new Uint8Array(length);
  longer.set(piece);
  return longer;
}
