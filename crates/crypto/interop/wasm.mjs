/**
 * Checks the committed vectors in WASM, under Node and in real Chromium.
 *
 *     node wasm.mjs <folder of the bindings> <folder of the vectors>
 *
 * Prints a line for each kind and place, and fails at the first vector that does not hold.
 */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [bindings, vectors] = process.argv.slice(2);
assert(bindings && vectors, 'which bindings, and which vectors?');

const SCRIPT = 'conclave_vectors.js';
const MODULE = 'conclave_vectors_bg.wasm';
const names = readdirSync(vectors)
  .filter((name) => extname(name) === '.json')
  .sort();
const files = names.map((name) => [name, readFileSync(join(vectors, name), 'utf8')]);

/** Adds up what the files give; runs in Node and, sent as text, in the page. */
function checkAll(check, files) {
  const counts = {};
  for (const [name, json] of files) {
    for (const [kind, count] of Object.entries(JSON.parse(check(name, json)))) {
      counts[kind] = (counts[kind] ?? 0) + count;
    }
  }
  return counts;
}

async function underNode() {
  const wasm = await import(pathToFileURL(join(bindings, SCRIPT)).href);
  wasm.initSync({ module: readFileSync(join(bindings, MODULE)) });
  assert.throws(() => wasm.check_vectors(names[0], files[0][1].replace('"version": 1', '"version": 2')));
  return checkAll(wasm.check_vectors, files);
}

async function inChromium() {
  const { chromium } = createRequire(new URL('../../../web/package.json', import.meta.url))(
    'playwright-core',
  );
  const types = { '.js': 'text/javascript', '.wasm': 'application/wasm' };
  const server = createServer((request, response) => {
    const name = request.url.slice(1);
    if (name === SCRIPT || name === MODULE) {
      response.setHeader('Content-Type', types[extname(name)]);
      response.end(readFileSync(join(bindings, name)));
    } else {
      response.setHeader('Content-Type', 'text/html');
      response.end('<!doctype html><title>vectors</title>');
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({
    executablePath: process.env.CONCLAVE_TEST_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
  });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    return await page.evaluate(
      async ([script, module, checkAll, files]) => {
        const wasm = await import(`/${script}`);
        await wasm.default({ module_or_path: `/${module}` });
        return new Function(`return ${checkAll}`)()(wasm.check_vectors, files);
      },
      [SCRIPT, MODULE, checkAll.toString(), files],
    );
  } finally {
    await browser.close();
    server.close();
  }
}

for (const [place, run] of [
  ['Node', underNode],
  ['Chromium', inChromium],
]) {
  const counts = await run();
  assert(Object.keys(counts).length > 0, `nothing was checked in ${place}`);
  console.log(`checked in ${place}`);
  for (const kind of Object.keys(counts).sort()) console.log(`vectors: ${kind} ${counts[kind]}`);
}
