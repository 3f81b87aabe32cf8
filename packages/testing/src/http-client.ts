/** Sends requests of tests over connections that are kept, in less time than the global fetch takes. */
import { Agent, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed if the answer is JSON, otherwise the text. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

export interface Received extends Answer {
  readonly text: string;
}

export interface Sent {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string | undefined;
}

const agent = new Agent({ keepAlive: true });

/** Follows no redirect. Rejects if there is no answer. */
export function sendOverHttp(url: string, { method, headers, body }: Sent): Promise<Received> {
  const { promise, resolve, reject } = Promise.withResolvers<Received>();
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  const outgoing = request(url, { agent, method, headers: { ...headers, ...length } }, (incoming) => {
    let text = '';
    incoming.setEncoding('utf8');
    incoming.on('data', (part: string) => {
      text += part;
    });
    incoming.on('error', reject);
    incoming.on('end', () => {
      let received: Headers | undefined;
      resolve({
        status: incoming.statusCode as number,
        // Few tests look at them, and they take a quarter of the time of a request.
        get headers() {
          received ??= toHeaders(incoming.rawHeaders);
          return received;
        },
        text,
        body: parseBody(incoming.headers['content-type'], text),
      });
    });
  });
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}

/** The same by a `fetch`, as tests over TLS bring one. */
export async function sendByFetch(send: typeof fetch, url: string, { method, headers, body }: Sent): Promise<Answer> {
  const response = await send(url, { method, headers, ...(body !== undefined && { body }) });
  const type = response.headers.get('content-type');
  return { status: response.status, headers: response.headers, body: parseBody(type, await response.text()) };
}

function toHeaders(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let at = 0; at < raw.length; at += 2) {
    headers.append(raw[at] as string, raw[at + 1] as string);
  }
  return headers;
}

function parseBody(type: string | null | undefined, text: string): unknown {
  return type?.startsWith('application/json') === true && text !== '' ? JSON.parse(text) : text;
}
