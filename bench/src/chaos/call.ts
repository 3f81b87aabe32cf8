/** HTTP as the administrator and the probes speak it: one attempt, which ends after a while without an answer. */

export interface Answer {
  /** 0: no answer. */
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers have every shape
  readonly body: any;
  /** The error code of the answer, or why there is none. */
  readonly detail: string;
}

/** Milliseconds that a caller waits for an answer. */
const patienceMs = 4_000;

export async function call(url: string, init: RequestInit): Promise<Answer> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(patienceMs) });
    const text = await response.text();
    const body = parse(text);
    const error = response.headers.get('www-authenticate')?.match(/error="(\w+)"/)?.[1] ?? body?.error ?? '';
    return { status: response.status, body, detail: `${response.status} ${error}`.trim() };
  } catch (error) {
    const { cause, name } = error as Error & { cause?: { code?: string } };
    return { status: 0, body: undefined, detail: cause?.code ?? name };
  }
}

export function postForm(url: string, form: Readonly<Record<string, string>>): Promise<Answer> {
  return call(url, { method: 'POST', body: new URLSearchParams(form) });
}

function parse(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
