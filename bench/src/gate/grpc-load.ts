/** Questions to a gate by gRPC, as Envoy asks them: envoy.service.auth.v3.Authorization on connections of HTTP/2. */
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { BenchError } from '../bench-error.ts';
import type { OpenLoad } from '../token/load.ts';

/** A request of a caller, as Envoy describes it. */
export interface GrpcQuestion {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface GrpcTarget {
  readonly name: string;
  readonly port: number;
  /** The next message to be sent. */
  readonly nextMessage: () => Buffer;
  readonly connections: number;
  /** On each connection, with one question under way in each at any time. */
  readonly calls: number;
}

const { HTTP2_HEADER_PATH, HTTP2_HEADER_METHOD, HTTP2_HEADER_CONTENT_TYPE, HTTP2_HEADER_TE } = constants;

const callHeaders = {
  [HTTP2_HEADER_METHOD]: 'POST',
  [HTTP2_HEADER_PATH]: '/envoy.service.auth.v3.Authorization/Check',
  [HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
  [HTTP2_HEADER_TE]: 'trailers',
};

/** Bytes before each message: whether it is compressed, and its length. */
const prefixLength = 5;

/** The tag of `ok_response` in an answer. */
const passesTag = 0x1a;

/** Any answer but one that lets the request pass is a fault. */
export function grpcLoad({ name, port, nextMessage, connections, calls }: GrpcTarget): OpenLoad {
  return (onAnswer, onFault) => {
    const fail = (text: string) => onFault(new BenchError(`${name} ${text}.`));
    const ask = (session: ClientHttp2Session) => {
      const sentAtMs = performance.now();
      const stream = session.request(callHeaders);
      const chunks: Buffer[] = [];
      let status: unknown;
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('trailers', (trailers) => {
        status = trailers['grpc-status'];
      });
      stream.on('error', (error: Error) => fail(`fails: ${error.message}`));
      stream.on('end', () => {
        const answer = Buffer.concat(chunks);
        if (status !== '0' || !passes(answer)) {
          fail(`refuses a question, with grpc-status ${String(status)}`);
          return;
        }
        onAnswer(performance.now() - sentAtMs, '');
        ask(session);
      });
      stream.end(nextMessage());
    };
    const sessions = Array.from({ length: connections }, () => {
      const session = connect(`http://127.0.0.1:${port}`);
      session.on('error', (error) => fail(`fails: ${error.message}`));
      session.on('connect', () => {
        for (let call = 0; call < calls; call += 1) {
          ask(session);
        }
      });
      return session;
    });
    return () => {
      for (const session of sessions) {
        session.destroy();
      }
    };
  };
}

/** A CheckRequest with its prefix. */
export function grpcMessage({ method, host, path, headers }: GrpcQuestion): Buffer {
  const entries = Object.entries(headers).map(([name, value]) => field(3, field(1, name), field(2, value)));
  const http = field(2, field(2, method), ...entries, field(4, path), field(5, host));
  const message = field(1, field(4, http));
  const prefix = Buffer.alloc(prefixLength);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** A member of a Protocol Buffers message, which is text or another message. */
function field(number: number, ...content: readonly (string | Buffer)[]): Buffer {
  const bytes = Buffer.concat(content.map((part) => Buffer.from(part)));
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

function passes(answer: Buffer): boolean {
  let at = prefixLength;
  while (at < answer.length) {
    const tag = answer[at];
    if (tag === passesTag) {
      return true;
    }
    let length = 0;
    let shift = 0;
    let byte = 0x80;
    for (at += 1; byte >= 0x80; at += 1) {
      byte = answer[at] ?? 0;
      length |= (byte & 0x7f) << shift;
      shift += 7;
    }
    at += length;
  }
  return false;
}
