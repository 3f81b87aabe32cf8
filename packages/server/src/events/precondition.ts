/** What a call requires of the version of the thing that it changes, so that no change is lost. RFC 9110 §13.1. */
import { OAuthError, showName } from '@postern/protocol';
import { kindOfThing } from './thing.ts';

/** Versions that a header names; `*`: any. */
export type Versions = '*' | ReadonlySet<string>;

export interface Precondition {
  /** The kind of the thing that the call changes. What it changes of other kinds is a consequence of that. */
  readonly kind: string;
  /** The thing must have one of these versions. Undefined: any, or none. */
  readonly ifMatch: Versions | undefined;
  /** The thing must have none of these versions; `*`: it must not exist. */
  readonly ifNoneMatch: Versions | undefined;
  /** By thing, the version that this call has found or given it. */
  readonly versions: Map<string, string>;
}

export interface PreconditionHeaders {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
}

/** Throws `invalid_request` for a header that is not `*` and not a list of entity tags. */
export function parsePrecondition(kind: string, headers: PreconditionHeaders): Precondition {
  return {
    kind,
    ifMatch: parseVersions('If-Match', headers['if-match'], false),
    ifNoneMatch: parseVersions('If-None-Match', headers['if-none-match'], true),
    versions: new Map(),
  };
}

/** Whether `If-None-Match` of a call that reads a thing names its present version; undefined: it has none. Throws `invalid_request` as above. */
export function isKnownVersion(version: string | undefined, headers: PreconditionHeaders): boolean {
  const known = parseVersions('If-None-Match', headers['if-none-match'], true);
  return version !== undefined && known !== undefined && (known === '*' || known.has(version));
}

/** Whether the version from before the change decides. */
export function isConditional(precondition: Precondition | undefined): boolean {
  return precondition?.ifMatch !== undefined || precondition?.ifNoneMatch !== undefined;
}

/** One entity tag of a list, with what separates it from the next. RFC 9110 §5.6.1 and §8.8.3. */
const entityTag = /[ \t,]*(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*(?=,|$)/y;

/** `isWeak`: weak tags count too. If-Match compares strongly, so that they never match there. RFC 9110 §8.8.3.2. */
function parseVersions(name: string, text: string | undefined, isWeak: boolean): Versions | undefined {
  if (text === undefined || text.trim() === '*') {
    return text === undefined ? undefined : '*';
  }
  const versions = new Set<string>();
  let end = 0;
  entityTag.lastIndex = 0;
  for (let tag = entityTag.exec(text); tag !== null; tag = entityTag.exec(text)) {
    const [, weak, version = ''] = tag;
    end = entityTag.lastIndex;
    if (weak === undefined || isWeak) {
      versions.add(version);
    }
  }
  if (end === 0 || !/^[ \t,]*$/.test(text.slice(end))) {
    throw new OAuthError(
      'invalid_request',
      `${name}: must be * or a list of entity tags, each in double quotes as ETag has them.`,
    );
  }
  return versions;
}

/**
 * Throws `precondition_failed` unless the thing may be changed, whose present version is `version`; undefined: it does
 * not exist. What the call itself has changed before is not a change of somebody else.
 */
export function requirePrecondition(
  { ifMatch, ifNoneMatch, versions }: Precondition,
  thing: string,
  version: string | undefined,
): void {
  if (version !== undefined && versions.get(thing) === version) {
    return;
  }
  const has = (wanted: Versions) => version !== undefined && (wanted === '*' || wanted.has(version));
  if (ifMatch !== undefined && !has(ifMatch)) {
    throw new OAuthError(
      'precondition_failed',
      version === undefined
        ? `If-Match: ${describeThing(thing, showName)} does not exist. It may have been deleted since you read it. Nothing was changed.`
        : `If-Match: ${describeThing(thing)} was changed since you read it. Nothing was changed now: read it again, and ` +
            'send what you want to change with its new ETag.',
    );
  }
  if (ifNoneMatch !== undefined && has(ifNoneMatch)) {
    throw new OAuthError(
      'precondition_failed',
      `If-None-Match: ${describeThing(thing)} exists already. Nothing was changed: to change it, read it, and send its ` +
        'ETag as If-Match.',
    );
  }
}

/** A name for people, such as `the client 'billing'`. `show`: how to name what does not exist, which may be a secret. */
function describeThing(thing: string, show = (id: string) => id): string {
  const kind = kindOfThing(thing);
  return kind === thing
    ? 'the set of signing keys'
    : `the ${kind.replaceAll('_', ' ')} '${show(thing.slice(kind.length + 1))}'`;
}
