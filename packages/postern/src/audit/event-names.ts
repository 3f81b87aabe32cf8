/** How the command names who is in an event. */

/** `id` is at the end, so that it can be copied. */
export function withName(id: string, name: string | null): string {
  return name === null || name === id ? id : `${name} (${id})`;
}
