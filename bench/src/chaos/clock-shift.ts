/**
 * Preloaded into a process whose clock is to jump (`node --import`): `Date` reads the system's clock plus the milliseconds
 * that stand in the file CHAOS_CLOCK_FILE. Timers and `performance.now` are monotonic and do not jump.
 */
import { readFileSync } from 'node:fs';

const file = process.env['CHAOS_CLOCK_FILE'];

if (file !== undefined) {
  const SystemDate = Date;
  let offsetMs = 0;
  const read = () => {
    const text = readFileSync(file, 'utf8').trim();
    offsetMs = text === '' ? offsetMs : Number(text);
  };
  read();
  setInterval(read, 25).unref();
  globalThis.Date = new Proxy(SystemDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [target.now() + offsetMs] : args, newTarget),
    apply: (target) => new target(target.now() + offsetMs).toString(),
    get: (target, name, receiver) =>
      name === 'now' ? () => target.now() + offsetMs : Reflect.get(target, name, receiver),
  });
}
