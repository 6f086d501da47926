/**
 * A recording relay between a browser and the server: everything that crosses the wire, frames unmasked, and a
 * cable that can be pulled.
 */
import { createServer, connect, type Server as NetServer, type Socket } from 'node:net';

import { freePort } from './server.ts';

export class Wire {
  /** What the browser sent and received, in chunks; frames of the socket without their mask. */
  readonly sent: Buffer[] = [];
  readonly received: Buffer[] = [];
  private readonly sockets = new Set<Socket>();
  private pulled = false;

  readonly port: number;
  private readonly relay: NetServer;

  private constructor(port: number, relay: NetServer) {
    this.port = port;
    this.relay = relay;
  }

  static async to(serverPort: number): Promise<Wire> {
    const port = await freePort();
    const relay = createServer();
    const wire = new Wire(port, relay);
    relay.on('connection', (near) => {
      wire.join(near, serverPort);
    });
    await new Promise<void>((done) => {
      relay.listen(port, '127.0.0.1', done);
    });
    return wire;
  }

  get url(): string {
    return `http://localhost:${this.port.toString()}`;
  }

  /** Pulls the cable: open connections die, new ones are refused. */
  pull(): void {
    this.pulled = true;
    for (const socket of this.sockets) socket.destroy();
  }

  plug(): void {
    this.pulled = false;
  }

  close(): void {
    this.pull();
    this.relay.close();
  }

  private join(near: Socket, serverPort: number): void {
    if (this.pulled) {
      near.destroy();
      return;
    }
    const far = connect(serverPort, '127.0.0.1');
    const up = new Unmasking(this.sent, true);
    const down = new Unmasking(this.received, false);
    for (const [from, to, record] of [
      [near, far, up],
      [far, near, down],
    ] as const) {
      this.sockets.add(from);
      from.on('data', (chunk: Buffer) => {
        record.take(chunk);
        to.write(chunk);
      });
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => {
        to.destroy();
      });
    }
  }
}

/** Records one direction: HTTP as it is, and after an upgrade the payloads of frames. */
class Unmasking {
  private upgraded = false;
  private rest = Buffer.alloc(0);

  private readonly into: Buffer[];
  private readonly masked: boolean;

  constructor(into: Buffer[], masked: boolean) {
    this.into = into;
    this.masked = masked;
  }

  take(chunk: Buffer): void {
    if (!this.upgraded) {
      this.into.push(Buffer.from(chunk));
      const head = chunk.toString('latin1');
      const mark = this.masked ? /\r\nupgrade: websocket/i : /^HTTP\/1\.1 101/;
      const end = head.indexOf('\r\n\r\n');
      if (mark.test(head) && end >= 0) {
        this.upgraded = true;
        this.frames(chunk.subarray(end + 4));
      }
      return;
    }
    this.frames(chunk);
  }

  private frames(chunk: Buffer): void {
    this.rest = Buffer.concat([this.rest, chunk]);
    for (;;) {
      if (this.rest.length < 2) return;
      const masked = (this.rest.readUInt8(1) & 0x80) !== 0;
      const short = this.rest.readUInt8(1) & 0x7f;
      const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
      const start = 2 + extra + (masked ? 4 : 0);
      if (this.rest.length < start) return;
      const length =
        extra === 2 ? this.rest.readUInt16BE(2) : extra === 8 ? Number(this.rest.readBigUInt64BE(2)) : short;
      if (this.rest.length < start + length) return;
      const payload = Buffer.from(this.rest.subarray(start, start + length));
      if (masked) {
        const mask = this.rest.subarray(start - 4, start);
        for (let index = 0; index < payload.length; index += 1) {
          payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0);
        }
      }
      this.into.push(payload);
      this.rest = this.rest.subarray(start + length);
    }
  }
}
