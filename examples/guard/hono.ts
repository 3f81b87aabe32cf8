/** An API on Hono that takes access tokens of Postern. Elsewhere than in Node, only the last line differs. */
import { serve } from '@hono/node-server';
import { createApiGuard } from '@postern/guard';
import { protect, resourceMetadata } from '@postern/guard/hono';
import { Hono } from 'hono';

const { ISSUER = 'https://auth.example.com', AUDIENCE = 'https://api.example.com', PORT = '3000' } = process.env;
const guard = createApiGuard({ issuer: ISSUER, audience: AUDIENCE });
const needs = protect(guard);

const app = new Hono();
app.use(resourceMetadata(guard));
app.get('/invoices', needs('invoice:read'), (context) => context.json({ caller: context.get('accessToken').clientId }));
serve({ fetch: app.fetch, port: Number(PORT) });
