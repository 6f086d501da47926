// Measures the cryptography in WASM against what others run in Node, all in one process and in turns.
//
// `cargo xtask bench crypto` builds the module and calls this with its folder in CONCLAVE_CRYPTO_WASM. One more
// library is one more file that makes a `Party`. Names given as arguments leave the other libraries out.

import { libsignal } from './libsignal.ts';
import { matrixSdk } from './matrix.ts';
import { olm } from './olm.ts';
import { ours } from './ours.ts';
import { fail, type Party } from './rows.ts';
import { compare, type Goals } from './table.ts';

const GOALS: Goals = {
  Olm: {
    'encrypt steady 100 B': 3,
    'decrypt steady 100 B': 3,
    'ping-pong, both directions with agreement': 2,
    'group encrypt 100 B': 1,
    'group decrypt 100 B': 1,
    'first message, initiator': 1,
    'first message, responder': 1,
  },
  'Matrix SDK': {
    'group encrypt 100 B': 2.5,
    'group decrypt 100 B': 2.5,
    'first message, initiator': 2.5,
  },
};

const OTHERS: Record<string, () => Promise<Party>> = { olm, libsignal, matrix: matrixSdk };

const folder = process.env['CONCLAVE_CRYPTO_WASM'] ?? fail('CONCLAVE_CRYPTO_WASM names no folder');
const wanted = process.argv.slice(2);
const parties: Party[] = [];
for (const [name, make] of Object.entries(OTHERS)) {
  if (wanted.length === 0 || wanted.includes(name)) {
    parties.push(await make());
  }
}
// A second build of ours, to compare two ways of building it.
const second = process.env['CONCLAVE_CRYPTO_WASM_SECOND'];
if (second) {
  parties.push(ours('second', second));
}
await compare([ours('ours', folder), ...parties], GOALS);
// The Matrix SDK and libsignal keep handles open.
process.exit(0);
