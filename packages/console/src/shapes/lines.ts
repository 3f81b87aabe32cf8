/** Lists as the text of a field, one in each line, and empty fields as null, which resets a member to its default. */

export const toLines = (list: readonly string[] | null | undefined): string => (list ?? []).join('\n');
export const toList = (lines: string): string[] => lines.split(/\s+/).filter((line) => line !== '');
export const listOrNull = (list: string[]): string[] | null => (list.length === 0 ? null : list);
export const textOrNull = (text: string): string | null => (text.trim() === '' ? null : text.trim());
