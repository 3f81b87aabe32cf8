/** Colours, where standard output is a terminal that has them and NO_COLOR does not forbid it. */
import { styleText } from 'node:util';

export function paint(colour: 'green' | 'yellow' | 'red', text: string): string {
  return styleText(colour, text, { stream: process.stdout });
}
