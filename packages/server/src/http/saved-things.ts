/** The routes of a kind of thing that is saved as a whole, under an id that its writer chooses: list, save, read and delete. */
import type { AccessToken } from '@postern/guard';
import { accessTokenOf } from '@postern/guard/fastify';
import { type ApiPlugin, Deleted, PageQuery, type Place, pageView, slicePage } from '@postern/http-api';
import type { FastifyInstance, FastifyRequest, RouteShorthandOptions } from 'fastify';
import { type Static, type TSchema, Type } from 'typebox';
import { operation } from './operation.ts';

export interface SavedThings<Body extends TSchema, View extends TSchema, Thing> {
  /** Of its events and scopes. */
  readonly kind: string;
  /** In the ids of its operations. */
  readonly names: readonly [one: string, several: string];
  readonly path: string;
  /** The parameter of the path that is the id. */
  readonly idParameter: string;
  readonly idMember: keyof Static<View> & string;
  readonly body: Body;
  readonly view: View;
  readonly summaries: Readonly<Record<'list' | 'save' | 'get' | 'delete', string>>;
  /** What saving does, if that is more than its summary says. */
  readonly description?: string;
  /** Which of the changes can conflict with what exists. */
  readonly conflicts?: readonly ('save' | 'delete')[];
  readonly things: {
    list(): readonly Thing[] | Promise<readonly Thing[]>;
    get(id: string): Thing | Promise<Thing>;
    remove(token: AccessToken, id: string): Promise<void>;
  };
  readonly save: (token: AccessToken, body: Static<Body>) => Promise<Thing>;
  readonly toView: (thing: Thing) => Static<View>;
  readonly placeOf: (thing: Thing) => Place;
}

export function savedThings<Body extends TSchema, View extends TSchema, Thing>(
  options: SavedThings<Body, View, Thing>,
): ApiPlugin {
  const { kind, names, path, idParameter, idMember, body, view, summaries, description, conflicts = [] } = options;
  const { things, save, toView, placeOf } = options;
  const [one, several] = names;
  const pathOfOne = `${path}/:${idParameter}`;
  const params = Type.Object({ [idParameter]: Type.String() });
  const errorsOf = (change: 'save' | 'delete') => (conflicts.includes(change) ? [409 as const] : []);

  const idOf = ({ params }: FastifyRequest) => (params as Readonly<Record<string, string>>)[idParameter] ?? '';

  /** The types of requests and answers do not follow from schemas that only callers of this know. */
  const describe = (id: string, scope: string, summary: string, parts: Parameters<typeof operation>[3]) =>
    operation(id, scope, summary, parts) as RouteShorthandOptions;

  return async (api) => {
    const app = api as unknown as FastifyInstance;
    app.get(
      path,
      describe(`list_${several}`, `${kind}:read`, summaries.list, {
        lists: [kind, idMember],
        query: PageQuery,
        answer: pageView(view),
      }),
      async ({ query }) => slicePage(await things.list(), query as Static<typeof PageQuery>, toView, placeOf),
    );

    app.put(
      path,
      describe(`save_${one}`, `${kind}:create_or_update`, summaries.save, {
        changes: kind,
        ...(description !== undefined && { description }),
        body,
        answer: view,
        errors: errorsOf('save'),
      }),
      async (request) => toView(await save(accessTokenOf(request), request.body as Static<Body>)),
    );

    app.get(
      pathOfOne,
      describe(`get_${one}`, `${kind}:read`, summaries.get, { reads: kind, params, answer: view }),
      async (request) => toView(await things.get(idOf(request))),
    );

    app.delete(
      pathOfOne,
      describe(`delete_${one}`, `${kind}:delete`, summaries.delete, {
        changes: kind,
        params,
        answer: Deleted,
        errors: errorsOf('delete'),
      }),
      async (request) => things.remove(accessTokenOf(request), idOf(request)),
    );
  };
}
