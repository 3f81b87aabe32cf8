/** One element by a bulk write, whose answer tells a refusal although its status is 200. */
import type { Api } from '../api/api.ts';
import type { BulkAnswer } from '../api/contract.ts';

/** Throws an error with the server's words where the element was refused. */
export async function putOne<View>(api: Api, path: string, element: object): Promise<View> {
  const { succeeded, failed } = await api.send<BulkAnswer<View>>('PUT', path, [element]);
  const [done] = succeeded;
  if (done === undefined) {
    throw new Error(failed[0]?.message ?? 'The server refused it.');
  }
  return done;
}
