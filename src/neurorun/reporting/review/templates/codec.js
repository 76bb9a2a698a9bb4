// How numbers travel in a page; the other side is codec.py.

/** Turn base64 into bytes. */
function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

/** Undo the compression (RFC 1950). */
async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Undo the folding and the differences of some rows, writing each at `offset` of its array. */
function unfold(bytes, rows, steps, targets, offset) {
  const n = rows * steps;
  for (let row = 0, place = 0; row < rows; row++) {
    const target = targets[row];
    let value = 0;
    for (let i = offset; i < offset + steps; i++, place++) {
      const folded = bytes[place] | (bytes[n + place] << 8);
      value += (folded >>> 1) ^ -(folded & 1);
      target[i] = value; // an Int16Array keeps the low 16 bits, as the differences assume
    }
  }
}

/** Reads compressed arrays one after the other, in the order in which they were written. */
class Payload {
  constructor(text) {
    this.bytes = bytesOf(text);
    this.place = 0;
  }

  /** Read the next `n` compressed bytes into rows of Int16Array. */
  async read(n, rows, steps, targets, offset = 0) {
    const blob = this.bytes.subarray(this.place, this.place + n);
    this.place += n;
    unfold(await inflate(blob), rows, steps, targets, offset);
  }
}

/** As many empty rows of whole numbers. */
function emptyRows(rows, steps) {
  return Array.from({ length: rows }, () => new Int16Array(steps));
}
