/** Colours, if standard output is a terminal that supports them and NO_COLOR is not set. */
import { styleText } from 'node:util';

export function paint(colour: 'green' | 'yellow' | 'red', text: string): string {
  return styleText(colour, text, { stream: process.stdout });
}
