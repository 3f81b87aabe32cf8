/** Bulk writes take an array of elements, and each element succeeds or fails on its own. */
import { OAuthError } from '@postern/protocol';
import { maxBulkElements } from '@postern/protocol/api-limits';
import type { FastifySchemaCompiler } from 'fastify';
import { type Static, Type } from 'typebox';
import { Compile, type Validator } from 'typebox/schema';
import { describeFault } from './describe-fault.ts';
import { titleFrom } from './schemas.ts';
import { compileValidator } from './validation.ts';

/** Levels of arrays and objects in an element. The elements of our APIs have four; deeper ones are not even repeated. */
const deepestNesting = 20;

interface BulkAnswer<View> {
  readonly succeeded: View[];
  readonly failed: { readonly message: string; readonly data: unknown }[];
}

const FailedElement = Type.Object(
  {
    message: Type.String({ description: 'What is wrong, for people.' }),
    data: Type.Unknown({ description: 'The element as it was sent, or null if it is nested too deeply.' }),
  },
  { title: 'FailedElement' },
);

const Elements = Type.Array(Type.Unknown(), { maxItems: maxBulkElements });

/**
 * Defines what the routes of a bulk write have in common.
 *
 * The schema of the body names the type of its elements for the documentation, but the body must not be validated by it:
 * one invalid element would refuse the whole body. So `validatorCompiler` validates the array, and `writeEach` validates
 * each element before it is written.
 */
export function defineBulk<Element extends Type.TObject, View extends Type.TSchema>(element: Element, view: View) {
  let validator: Validator | undefined;
  return {
    body: Type.Unsafe<unknown[]>(Type.Array(element, { maxItems: maxBulkElements })),

    answer: Type.Object(
      {
        succeeded: Type.Array(view, { description: 'What was written, in the order of the elements.' }),
        failed: Type.Array(FailedElement),
      },
      titleFrom(view, 'BulkAnswer'),
    ),

    /** The `validatorCompiler` of a route with this body, which accepts every element. */
    validatorCompiler: ((part) =>
      compileValidator(
        part.httpPart === 'body' ? { ...part, schema: Elements } : part,
      )) as FastifySchemaCompiler<unknown>,

    /**
     * Calls `write` for each valid element, one after the other, so that an element sees those before it. An element that
     * is invalid, or for which `write` throws an `OAuthError`, is listed as failed. Throws any other error, and
     * `invalid_token`, which ends the call: its token may have been revoked after it began. Throws `precondition_failed` too,
     * unless something was written before.
     */
    async writeEach(
      elements: readonly unknown[],
      write: (element: Static<Element>) => Promise<Static<View>>,
    ): Promise<BulkAnswer<Static<View>>> {
      const answer: BulkAnswer<Static<View>> = { succeeded: [], failed: [] };
      for (const sent of elements) {
        try {
          answer.succeeded.push(await write(requireValid(sent)));
        } catch (error) {
          if (!(error instanceof OAuthError) || error.code === 'invalid_token') {
            throw error;
          }
          if (error.code === 'precondition_failed' && answer.succeeded.length === 0) {
            throw error;
          }
          answer.failed.push({ message: error.message, data: nestsDeeper(sent, deepestNesting) ? null : sent });
        }
      }
      return answer;
    },
  };

  function requireValid(sent: unknown): Static<Element> {
    if (nestsDeeper(sent, deepestNesting)) {
      throw new OAuthError('invalid_parameter', `The element: is nested deeper than ${deepestNesting} levels.`);
    }
    validator ??= Compile(element);
    if (!validator.Check(sent)) {
      throw new OAuthError('invalid_parameter', describeFault(validator.Errors(sent)[1], 'element'));
    }
    return sent as Static<Element>;
  }
}

/** Never looks deeper than it must, since a recursion over deeply nested values would overflow the stack. */
function nestsDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  return levels === 0 || Object.values(value).some((inner) => nestsDeeper(inner, levels - 1));
}
