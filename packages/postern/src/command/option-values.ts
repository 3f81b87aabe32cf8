/** Parsers for the values of options. Each throws the error of commander, which names the option. */
import { InvalidArgumentError } from 'commander';

/** Collects the values of a repeatable option; each may contain several, separated by commas. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, ...value.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]))];
}

const secondsOf: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** Parses seconds from `90`, `90s`, `15m`, `24h` or `7d`. */
export function parseDuration(text: string): number {
  const [, number, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? [];
  if (number === undefined) {
    throw new InvalidArgumentError('Write seconds, or a number with s, m, h or d, such as 15m.');
  }
  return Number(number) * (secondsOf[unit] as number);
}

/** Parses a whole number of `least` or more. */
export function countFrom(least: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,9}$/.test(text) || Number(text) < least) {
      throw new InvalidArgumentError(`Write a whole number of ${least} or more.`);
    }
    return Number(text);
  };
}

/** Parses a time of RFC 3339, a day, which begins at midnight UTC, or how long ago it was, such as `24h`. Returns RFC 3339. */
export function parseTime(text: string): string {
  const age = /^\d{1,9}[smhd]$/.test(text) ? Date.now() - parseDuration(text) * 1000 : Number.NaN;
  const time = /^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:\d\d))?$/.test(text) ? Date.parse(text) : age;
  if (Number.isNaN(time)) {
    throw new InvalidArgumentError(
      'Write a day such as 2026-11-01, a time such as 2026-11-01T12:00:00Z, or how long ago it was, such as 24h.',
    );
  }
  return new Date(time).toISOString();
}
