// What is measured, and how one measurement is taken.

export const ROWS = [
  'encrypt steady 100 B',
  'decrypt steady 100 B',
  'ping-pong, both directions with agreement',
  'group encrypt 100 B',
  'group decrypt 100 B',
  'first message, initiator',
  'first message, responder',
  'AEAD seal 1 KB',
  'AEAD open 1 KB',
  'AEAD seal 28 KiB',
  'AEAD open 28 KiB',
  'AEAD seal 64 KiB, as a file',
  'AEAD open 64 KiB, as a file',
] as const;

export type Row = (typeof ROWS)[number];

/** Does a row's work so many times and tells how many milliseconds it took. */
export type Measured = (count: number) => number | Promise<number>;

/** A primitive, and how often each row needs it. */
export interface Part {
  name: string;
  times: Partial<Record<Row, number>>;
  measured: Measured;
}

/** A library, with the rows that it has, and what these are made of where it tells. */
export interface Party {
  name: string;
  rows: Partial<Record<Row, Measured>>;
  parts?: Part[];
}

/** Inputs prepared at once. */
const BATCH = 16;

/** Work whose inputs are made outside of what is measured. */
export function timed<Input>(prepare: () => Input, work: (input: Input) => void): Measured {
  return (count) => {
    let spent = 0;
    for (let left = count; left > 0; left -= BATCH) {
      const inputs = Array.from({ length: Math.min(left, BATCH) }, prepare);
      const started = performance.now();
      for (const input of inputs) {
        work(input);
      }
      spent += performance.now() - started;
    }
    return spent;
  };
}

/** The same for a library that answers with promises. */
export function timedLater<Input>(
  prepare: () => Input | Promise<Input>,
  work: (input: Input) => Promise<unknown>,
): Measured {
  return async (count) => {
    let spent = 0;
    for (let left = count; left > 0; left -= BATCH) {
      const inputs: Input[] = [];
      for (let made = 0; made < Math.min(left, BATCH); made++) {
        inputs.push(await prepare());
      }
      const started = performance.now();
      for (const input of inputs) {
        await work(input);
      }
      spent += performance.now() - started;
    }
    return spent;
  };
}

/** What is encrypted in every row of messages: as bytes, and as text where a library takes text alone. */
export const TEXT = 'a'.repeat(100);
export const BYTES = new TextEncoder().encode(TEXT);

export function fail(what: string): never {
  throw new Error(what);
}
