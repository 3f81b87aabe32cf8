/** JSON as a person types it. */

/** `what` names it at the start of a sentence. Throws if the text is no JSON object; the server validates everything else. */
export function parseJson(what: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${what} is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${what} must be a JSON object.`);
  }
  return value as Readonly<Record<string, unknown>>;
}
