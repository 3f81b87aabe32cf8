/** What every HTTP API of Postern needs once: schema parts, validation, error texts, pages and bulk writes. */
export type { Api, ApiPlugin } from './api.ts';
export { defineBulk } from './bulk.ts';
export { describeFault } from './describe-fault.ts';
export { type OperationParts, type OperationSchemas, operationsOf } from './operation.ts';
export { PageQuery, type Place, pageOf, pageView, type Slice, sliceOf, slicePage } from './pages.ts';
export {
  Deleted,
  ErrorAnswer,
  errorResponses,
  keyText,
  Name,
  nullable,
  oauthErrorResponses,
  printableText,
  visibleText,
} from './schemas.ts';
export { useSchemas } from './validation.ts';
