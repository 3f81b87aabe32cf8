/** An API on Express that takes access tokens of Postern. RFC 6750. */
import { createApiGuard } from '@postern/guard';
import { accessTokenOf, protect } from '@postern/guard/express';
import express from 'express';

const { ISSUER = 'https://auth.example.com', AUDIENCE = 'https://api.example.com', PORT = '3000' } = process.env;
const needs = protect(createApiGuard({ issuer: ISSUER, audience: AUDIENCE }));

const app = express();
app.get('/invoices', needs('invoice:read'), (request, response) => {
  response.json({ caller: accessTokenOf(request).clientId });
});
app.listen(Number(PORT), () => console.log(`http://localhost:${PORT}`));
