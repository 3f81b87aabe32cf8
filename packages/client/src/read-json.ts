/** The JSON of an answer from the network, read with a limit. */

/** In bytes. Metadata of a big server are tens of kilobytes, and a token a few. */
const longestAnswer = 1_048_576;

/** Reads the JSON object in the body; undefined if it is not one or too long. */
export async function readJsonObject(response: Response): Promise<Readonly<Record<string, unknown>> | undefined> {
  const text = await readText(response);
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

async function readText(response: Response): Promise<string | undefined> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let length = 0;
  for (;;) {
    const chunk = await reader?.read();
    if (chunk?.value === undefined) {
      return text + decoder.decode();
    }
    length += chunk.value.length;
    if (length > longestAnswer) {
      await reader?.cancel();
      return undefined;
    }
    text += decoder.decode(chunk.value, { stream: true });
  }
}
