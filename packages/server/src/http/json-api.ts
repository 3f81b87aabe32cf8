/** What every JSON API needs: its routes' schemas are checked, bodies are JSON, and all errors have one form. */

import { useSchemas } from '@postern/http-api';
import type { FastifyInstance } from 'fastify';
import { answerError, answerNotFound } from './answer-error.ts';
import { useJson } from './bodies.ts';
import { recordRoutes } from './route-table.ts';

/** To be called before the routes of `app` are registered. */
export function useJsonApi(app: FastifyInstance): void {
  recordRoutes(app);
  useSchemas(app);
  useJson(app);
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);
}
