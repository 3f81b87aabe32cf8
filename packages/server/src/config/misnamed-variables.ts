/** Finds the variables of the environment that somebody meant for Postern and misspelled, so that it ignores them. */
import { findNearMiss } from '../near-miss.ts';
import { configVariables } from './variables.ts';

export interface MisnamedVariable {
  readonly name: string;
  /** The variable that Postern reads. */
  readonly meant: string;
}

/** Letters below which a name is too general to tell for which program it is meant, such as `HOSTS`. */
const fewestLetters = 8;

/** Returns the variables whose names differ from one of Postern's in a letter or two, or by the prefix. */
export function findMisnamedVariables(env: Readonly<Record<string, string | undefined>>): MisnamedVariable[] {
  const known = configVariables.flatMap(({ name }) => [name, `${name}_FILE`]);
  return Object.keys(env).flatMap((name) => {
    // Kubernetes sets POSTERN_PORT for a service of that name.
    if (known.includes(name) || name.length < fewestLetters || env[name]?.startsWith('tcp:')) {
      return [];
    }
    const plain = name.replace(/^POSTERN_/, '');
    const meant = findNearMiss(name, known) ?? (known.includes(plain) ? plain : findNearMiss(plain, known));
    return meant === undefined ? [] : [{ name, meant }];
  });
}
