/** The parameter authorization_details of a token request. RFC 9396 §2 and §5. */
import type { AuthorizationDetail } from '@postern/guard';
import { OAuthError } from '@postern/protocol';
import type { AuthorizationDetailsTypeRegistry } from './authorization-details-type-registry.ts';
import { elementBounds } from './details-schema.ts';
import { findBoundsFault } from './json-bounds.ts';

const mostElements = 20;

/** Bounds of all elements together, with the array around them. */
const parameterBounds = { ...elementBounds, depth: elementBounds.depth + 1 };

/**
 * Parses the elements of the parameter and validates each against the schema of its type. `mayUse` says which types the
 * client is registered for; a type that does not exist and one that is not for this client get the same answer. Throws
 * `invalid_authorization_details`.
 */
export function parseAuthorizationDetails(
  text: string,
  types: AuthorizationDetailsTypeRegistry,
  mayUse: (type: string) => boolean,
): readonly AuthorizationDetail[] {
  const elements = parseArray(text);
  for (const [index, element] of elements.entries()) {
    const name = `authorization_details[${index}]`;
    if (!isElement(element)) {
      throw invalid(`${name}: must be an object with a type.`);
    }
    const { type } = element;
    const findFault = mayUse(type) ? types.findCheck(type) : undefined;
    if (findFault === undefined) {
      throw invalid(`${name}: the client may not request authorization details of this type.`);
    }
    const fault = findFault(element, name);
    if (fault !== undefined) {
      throw invalid(fault);
    }
  }
  return elements as readonly AuthorizationDetail[];
}

function parseArray(text: string): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid('The parameter authorization_details is not JSON.');
  }
  if (!Array.isArray(value) || value.length === 0 || value.length > mostElements) {
    throw invalid(`The parameter authorization_details must be an array of 1 to ${mostElements} objects.`);
  }
  const fault = findBoundsFault(value, parameterBounds);
  if (fault !== undefined) {
    throw invalid(`The parameter authorization_details may not have ${fault}.`);
  }
  return value;
}

function isElement(element: unknown): element is AuthorizationDetail {
  return typeof element === 'object' && element !== null && 'type' in element && typeof element.type === 'string';
}

function invalid(text: string): OAuthError {
  return new OAuthError('invalid_authorization_details', text);
}
