/** Forms to begin with for the platforms that sign tokens for their workloads. */
import {
  findWorkloadPlatform,
  isUnfilled,
  type WorkloadPlatform,
  workloadPlatforms,
} from '@postern/protocol/workload-platforms';
import { emptyDraft, type IssuerDraft, newClaim, newRule } from './issuer-draft.ts';

/** The platforms, by key. */
export const platforms: Readonly<Record<string, WorkloadPlatform>> = Object.fromEntries(
  workloadPlatforms.map((platform) => [platform.key, platform]),
);

/** A form is complete but for what only you know: that is empty, so that it cannot be saved by accident. */
export function platformDraft(platform: WorkloadPlatform): IssuerDraft {
  return {
    ...emptyDraft,
    key: platform.key,
    issuer: filled(platform.issuer),
    keySource: platform.jwksUri === undefined ? 'discovery' : 'jwks_uri',
    audience: filled(platform.audience ?? ''),
    maxAgeSeconds: String(platform.maxAgeSeconds ?? emptyDraft.maxAgeSeconds),
    singleUse: !platform.givesTokenAgain,
    rules: [newRule(Object.entries(platform.claims).map(([name, text]) => newClaim(name, filled(text))))],
  };
}

function filled(text: string): string {
  return isUnfilled(text) ? '' : text;
}

/** The platform of an issuer that is trusted already, if it can be told. */
export const findPlatform = findWorkloadPlatform;
