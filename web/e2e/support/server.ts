/** A real `conclave-server` with its own data folder on a free port. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');

/** `cargo xtask test e2e` names the binary it built; by hand the usual places are looked at. */
function binary(): string {
  const named = process.env.CONCLAVE_TEST_SERVER;
  const found = [
    named,
    join(ROOT, 'target/release/conclave-server'),
    join(ROOT, 'target/debug/conclave-server'),
  ];
  const path = found.find((path) => path !== undefined && path !== '' && existsSync(path));
  if (path === undefined) throw new Error('conclave-server is not built: run `cargo xtask test e2e`');
  return path;
}

export async function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer();
    server.on('error', fail);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        done(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  });
}

export class Server {
  readonly folder = mkdtempSync(join(tmpdir(), 'conclave-e2e-'));
  readonly logFile = join(this.folder, 'server.log');
  private child: ChildProcess | undefined;
  private printed = '';

  readonly port: number;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(): Promise<Server> {
    const server = new Server(await freePort());
    // People of one test share one address, so the limits for strangers would slow them.
    const pace = '{ burst = 100000, every_ms = 1 }';
    writeFileSync(
      server.config,
      `name = "Otter Club"\nlog = "debug"\nreset_pause_hours = 0\n[limits]\nsign_in = ${pace}\nsign_in_handle = ${pace}\nregistration = ${pace}\nlook_ups = ${pace}\n`,
    );
    await server.run();
    return server;
  }

  get url(): string {
    return `http://localhost:${this.port.toString()}`;
  }

  get data(): string {
    return join(this.folder, 'data');
  }

  private get config(): string {
    return join(this.folder, 'conclave.toml');
  }

  /** The token of the set-up link that the server printed. */
  get setupToken(): string {
    const token = /#\/setup\/([\w-]+)/.exec(this.printed)?.[1];
    if (token === undefined) throw new Error(`no set-up link in: ${this.printed}`);
    return token;
  }

  async run(): Promise<void> {
    const child = spawn(
      binary(),
      [
        '--config',
        this.config,
        '--data',
        this.data,
        '--listen',
        `127.0.0.1:${this.port.toString()}`,
        'serve',
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.child = child;
    const keep = (chunk: Buffer): void => {
      this.printed += chunk.toString();
      writeFileSync(this.logFile, this.printed);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    for (let tries = 0; tries < 200; tries += 1) {
      if (child.exitCode !== null) throw new Error(`the server ended: ${this.printed}`);
      const up = await fetch(`${this.url}/healthz`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (up) return;
      await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error(`the server did not come up: ${this.printed}`);
  }

  /** Ends the server as a power cut would end the process. */
  async kill(): Promise<void> {
    const child = this.child;
    if (child === undefined) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await ended;
    this.child = undefined;
  }

  /** Everything the server wrote to its disk and its log. */
  files(): { name: string; bytes: Buffer }[] {
    const names = ['conclave.db', 'conclave.db-wal'].map((name) => join(this.data, name));
    return [...names, this.logFile]
      .filter((path) => existsSync(path))
      .map((path) => ({ name: path, bytes: readFileSync(path) }));
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
