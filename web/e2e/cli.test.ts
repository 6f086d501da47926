/** A browser and the command line chat with each other: one engine, two homes. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';

import type { Page } from 'playwright-core';

import { Profile } from './support/browser.ts';
import {
  deliveries,
  eventually,
  invite,
  openRequest,
  PASSWORD,
  register,
  say,
  texts,
} from './support/screens.ts';
import { Server } from './support/server.ts';

const ROOT = resolve(import.meta.dirname, '../..');

let server: Server;
let mia: Profile;
let page: Page;
let listening: ChildProcess | undefined;

before(async () => {
  server = await Server.start();
  mia = await Profile.open();
  page = await mia.tab(server.url);
});

after(async () => {
  listening?.kill();
  await mia.close();
  await server.stop();
});

function program(): string {
  const places = [
    process.env.CONCLAVE_TEST_CLI,
    join(ROOT, 'target/release/conclave'),
    join(ROOT, 'target/debug/conclave'),
  ];
  const found = places.find((path) => path !== undefined && path !== '' && existsSync(path));
  assert.ok(found !== undefined, 'conclave is not built: run `cargo xtask test e2e`');
  return found;
}

function start(words: string[]): ChildProcess {
  return spawn(program(), ['--data', join(server.folder, 'noa'), ...words], {
    env: { ...process.env, CONCLAVE_PASSWORD: PASSWORD },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs a command to its end; fails with what it said when it fails. */
async function conclave(...words: string[]): Promise<string> {
  const child = start(words);
  let out = '';
  let complaint = '';
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const code = await new Promise((done) => child.once('close', done));
  assert.equal(code, 0, `conclave ${words.join(' ')}: ${out}${complaint}`);
  return out;
}

test('the command line registers with an invite link and writes first', { timeout: 120_000 }, async () => {
  await register(page, `${server.url}/#/setup/${server.setupToken}`, 'mia');
  const token = await invite(page);
  await conclave('register', 'noa', `${server.url}/#/invite/${token}`);
  await conclave('send', 'mia', 'hello from the command line');
  await openRequest(page, 'noa');
  await eventually(() => texts(page), ['hello from the command line']);
});

test('the browser answers and the command line hears it', { timeout: 60_000 }, async () => {
  listening = start(['listen', '--read', '--json']);
  let heard = '';
  listening.stdout?.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  await say(page, 'hello from the browser');
  await eventually(() => Promise.resolve(heard.includes('hello from the browser')), true);
  await eventually(() => deliveries(page), ['read']);
  const ended = new Promise((done) => listening?.once('close', done));
  listening.kill('SIGINT');
  await ended;
  listening = undefined;
});

test('both tell the same history', { timeout: 60_000 }, async () => {
  const told = await conclave('history', 'mia');
  const first = told.indexOf('hello from the command line');
  const second = told.indexOf('hello from the browser');
  assert.ok(first >= 0 && second > first, told);
});
