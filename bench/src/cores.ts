/** Which core the servers run on and which one the load runs on, so that neither takes time from the other. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Cores {
  readonly server: number;
  readonly load: number;
}

/**
 * Two cores for a benchmark, with this process pinned to the one for the load; or a sentence that says why nothing
 * can be pinned. Takes two different physical cores where there are any, for two hardware threads of one core slow
 * each other down.
 */
export function takeCores(): Cores | string {
  if (process.platform !== 'linux') {
    return 'Not pinned to cores: that takes Linux and its taskset.';
  }
  const [server, ...others] = allowedCores();
  const siblings = new Set(server === undefined ? [] : parseCpuList(readSiblings(server)));
  const load = others.find((core) => !siblings.has(core)) ?? others[0];
  if (server === undefined || load === undefined) {
    return 'Not pinned to cores: this process may use one core only, so servers and load share it.';
  }
  const pinned = spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', `${load}`, `${process.pid}`]);
  if (pinned.error !== undefined || pinned.status !== 0) {
    return 'Not pinned to cores: taskset (util-linux) is missing or was refused.';
  }
  return { server, load };
}

function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return parseCpuList(list ?? '');
}

function readSiblings(core: number): string {
  try {
    return readFileSync(`/sys/devices/system/cpu/cpu${core}/topology/thread_siblings_list`, 'utf8').trim();
  } catch {
    // Some containers hide the topology; then every core counts as a physical one.
    return `${core}`;
  }
}

/** The kernel's notation: `0-3,8`. */
function parseCpuList(list: string): number[] {
  return list
    .split(',')
    .filter((range) => range !== '')
    .flatMap((range) => {
      const [first, last = first] = range.split('-').map(Number) as [number, number?];
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}
