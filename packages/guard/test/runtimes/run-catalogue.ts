/** Runs the catalogue of cases on the platform that loads it, and counts which crypto verified. docs/guard-cases.md. Nothing here is of Node. */
import type { GuardCase } from '../../cases/guard-case.ts';
import { runGuardCase } from '../../cases/run-guard-case.ts';
import * as library from '../../src/index.ts';

export interface CatalogueReport {
  readonly passed: number;
  /** The ids of the cases that were decided otherwise, with what was answered. */
  readonly failed: readonly string[];
  /** How many signatures Web Crypto verified; 0 if the platform chose `node:crypto`. */
  readonly verifiedByWebCrypto: number;
}

export async function runCatalogue(cases: readonly GuardCase[]): Promise<CatalogueReport> {
  const { subtle } = globalThis.crypto;
  const verify = subtle.verify.bind(subtle);
  let verifiedByWebCrypto = 0;
  subtle.verify = (...parameters: Parameters<typeof verify>) => {
    verifiedByWebCrypto += 1;
    return verify(...parameters);
  };
  const findFault = async (guardCase: GuardCase) => {
    const expected = guardCase.steps.flatMap((step) => ('expect' in step ? [step.expect] : []));
    const answers = await runGuardCase(library, guardCase).catch((error: unknown) => String(error));
    return canonical(answers) === canonical(expected) ? [] : [`${guardCase.id}: ${canonical(answers)}`];
  };
  // All at once, since some wait for seconds.
  const failed = (await Promise.all(cases.map(findFault))).flat();
  return { passed: cases.length - failed.length, failed, verifiedByWebCrypto };
}

/** JSON whose members are in the order of their names. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([one], [other]) => (one < other ? -1 : 1)))
      : member,
  );
}
