/** A network link under control: a TCP proxy that can be cut, or fall silent without closing anything. */

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

export type LinkState =
  | 'open'
  /** Connections are reset, and new ones too. */
  | 'cut'
  /** Connections stay open, and what is sent arrives only when the link is open again. */
  | 'silent';

export class Link {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #target: number;
  #state: LinkState = 'open';

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ pauseOnConnect: true }, (near) => this.#join(near));
  }

  /** A link from a port of its own to the port `target`. */
  static async open(target: number): Promise<Link> {
    const link = new Link(target);
    await new Promise<void>((resolve) => link.#server.listen(0, '127.0.0.1', resolve));
    return link;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Leads elsewhere from now on; connections to the earlier target are reset. */
  leadTo(target: number): void {
    this.#target = target;
    this.#reset();
  }

  set(state: LinkState): void {
    this.#state = state;
    if (state === 'cut') {
      this.#reset();
    }
    for (const pair of this.#pairs) {
      for (const socket of pair) {
        if (state === 'silent') {
          socket.pause();
        } else {
          socket.resume();
        }
      }
    }
  }

  async close(): Promise<void> {
    this.#reset();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #reset(): void {
    for (const [near, far] of this.#pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
  }

  #join(near: Socket): void {
    if (this.#state === 'cut') {
      near.on('error', () => {});
      near.resetAndDestroy();
      return;
    }
    const far = connect(this.#target, '127.0.0.1');
    const pair = [near, far] as const;
    this.#pairs.add(pair);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.setNoDelay(true);
      one.on('data', (chunk) => {
        // What a slow reader does not take is held back at the sender.
        if (!other.write(chunk) && this.#state !== 'silent') {
          one.pause();
        }
      });
      one.on('drain', () => {
        if (this.#state !== 'silent') {
          other.resume();
        }
      });
      one.on('end', () => other.end());
      one.on('error', () => other.resetAndDestroy());
      one.once('close', () => {
        this.#pairs.delete(pair);
        other.destroySoon();
      });
    }
    if (this.#state === 'silent') {
      far.pause();
    } else {
      near.resume();
    }
  }
}
