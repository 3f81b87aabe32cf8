/** Bulk writes: an array of elements, each of which is checked, and kept or refused, by itself. */
import { maxBulkElements, OAuthError } from '@postern/protocol';
import type { FastifySchemaCompiler } from 'fastify';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';
import type { Api } from './api.ts';
import { describeFault } from './describe-fault.ts';

/** Levels of arrays and objects in an element. The elements of this API have four; more are not even repeated. */
const deepestNesting = 20;

interface BulkAnswer<View> {
  readonly succeeded: View[];
  readonly failed: { readonly message: string; readonly data: unknown }[];
}

/**
 * Makes what the routes of a bulk write have in common.
 *
 * The body's schema names the type of its elements, for the documentation, and yet the server must not check them by
 * it: one bad element would refuse the whole body. So `validatorCompiler` has the array checked at the door, and
 * `writeEach` checks each element when its turn comes.
 */
export function defineBulk<Element extends Type.TObject, View extends Type.TSchema>(element: Element, view: View) {
  const checker = Compile(element);
  return {
    body: Type.Unsafe<unknown[]>(Type.Array(element, { maxItems: maxBulkElements })),

    answer: Type.Object({
      succeeded: Type.Array(view, { description: 'What was written, in the order of the elements.' }),
      failed: Type.Array(
        Type.Object({
          message: Type.String({ description: 'What is wrong, for people.' }),
          data: Type.Unknown({ description: 'The element as it was sent, or null if it is nested too deep.' }),
        }),
      ),
    }),

    /** The `validatorCompiler` of a route with this body: the one of `app`, except that it lets all elements pass. */
    validatorCompiler(app: Api): FastifySchemaCompiler<unknown> {
      const compile = app.validatorCompiler;
      if (compile === undefined) {
        throw new Error('The host of the policy API must set a validator compiler.');
      }
      return (part) =>
        compile(
          part.httpPart === 'body'
            ? { ...part, schema: Type.Array(Type.Unknown(), { maxItems: maxBulkElements }) }
            : part,
        );
    },

    /**
     * Calls `write` for each element that fits the schema, one after the other, so that an element sees those
     * before it. An element for which `write` throws an `OAuthError` is listed as failed. Throws any other error, and
     * `invalid_token`, which ends the call: its token may have been revoked after it began.
     */
    async writeEach(
      elements: readonly unknown[],
      write: (element: Static<Element>) => Promise<Static<View>>,
    ): Promise<BulkAnswer<Static<View>>> {
      const answer: BulkAnswer<Static<View>> = { succeeded: [], failed: [] };
      for (const sent of elements) {
        try {
          answer.succeeded.push(await write(check(sent)));
        } catch (error) {
          if (!(error instanceof OAuthError) || error.code === 'invalid_token') {
            throw error;
          }
          answer.failed.push({ message: error.message, data: nestsDeeper(sent, deepestNesting) ? null : sent });
        }
      }
      return answer;
    },
  };

  function check(sent: unknown): Static<Element> {
    if (nestsDeeper(sent, deepestNesting)) {
      throw new OAuthError('invalid_parameter', `The element: is nested deeper than ${deepestNesting} levels.`);
    }
    if (!checker.Check(sent)) {
      const [fault] = checker.Errors(sent) as [TLocalizedValidationError];
      throw new OAuthError('invalid_parameter', describeFault(fault));
    }
    return sent;
  }
}

/** Never looks further than it must: what is nested so deep that a recursion would fail is what it guards from. */
function nestsDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  return levels === 0 || Object.values(value).some((inner) => nestsDeeper(inner, levels - 1));
}
