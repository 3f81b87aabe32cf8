/** A target: a data category that a rule applies to, with all that is below it in the taxonomy. Pure. */
import { OAuthError, showName } from '@postern/protocol';
import { deriveKey, longestKey } from '../key.ts';
import { dataCategories } from '../taxonomy/data-categories.ts';

export interface Target {
  readonly key: string;
  readonly name: string;
  readonly dataCategory: string;
}

/** What a caller may set. A member that is missing stays as it is; the key says which target is meant. */
export interface TargetChange {
  readonly key?: string | undefined;
  readonly name?: string | undefined;
  readonly dataCategory?: string | undefined;
}

/**
 * The target after the change; `before` is undefined for a new one. A new one that comes without a key gets one from
 * its name, or else from its rule and category; one without a name is named by its key.
 * Throws `invalid_parameter`.
 */
export function changeTarget(before: Target | undefined, change: TargetChange, ruleKey: string): Target {
  const dataCategory = change.dataCategory ?? before?.dataCategory;
  if (dataCategory === undefined) {
    throw new OAuthError('invalid_parameter', 'data_category: is required for a new target.');
  }
  if (!dataCategories.has(dataCategory)) {
    throw new OAuthError(
      'invalid_parameter',
      `data_category: the Fides taxonomy has no category ${showName(dataCategory)}.`,
    );
  }
  const key = change.key ?? (change.name === undefined ? joinKey(ruleKey, dataCategory) : deriveKey(change.name));
  return { key, name: change.name ?? before?.name ?? key, dataCategory };
}

/** Categories have no hyphens, so no other rule and category give the same key. */
function joinKey(ruleKey: string, dataCategory: string): string {
  const key = `${ruleKey}-${dataCategory}`;
  if (key.length > longestKey) {
    throw new OAuthError(
      'invalid_parameter',
      'key: is required here, because the key of the rule is too long to derive one from it.',
    );
  }
  return key;
}
