/** The token request of the benchmark: client_credentials by client_secret_post. RFC 6749 §4.4.2 and §2.3.1. */

export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A form body; without `scope` it asks for all that the client has. */
export function tokenForm({ clientId, clientSecret }: Credentials, scope?: string): string {
  return new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
    ...(scope !== undefined && { scope }),
  }).toString();
}

const formType = 'application/x-www-form-urlencoded;charset=UTF-8';

/** The whole HTTP/1.1 request of a form, or of another body if `headers` say so, with the headers of a client library. */
export function formatRequest(
  port: number,
  path: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Buffer {
  return Buffer.from(
    [
      `POST ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      'Connection: keep-alive',
      'Accept: application/json',
      'Accept-Encoding: gzip, deflate',
      'User-Agent: postern-bench',
      ...Object.entries({ 'Content-Type': formType, ...headers }).map(([name, value]) => `${name}: ${value}`),
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n'),
  );
}

/** One request by `fetch`: the body of the answer. Throws for any status but 200. */
export async function requestToken(port: number, path: string, form: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form,
  });
  const body = await answer.text();
  if (answer.status !== 200) {
    throw new Error(`refused a token: ${answer.status} ${body}`);
  }
  return body;
}
