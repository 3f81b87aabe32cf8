import type { Attack } from '../attack.ts';

const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';

export const attack: Attack = {
  name: 'a gateway names as actor a client that only called it',
  tries: 'A token exchange whose actor_token is a token that the gateway received from another caller.',
  async run(target, findings) {
    const gateway = await target.createClient({
      scopes: ['policy:read'],
      grant_types: ['client_credentials', exchange],
    });
    const resource = await target.createResource({ introspection_clients: [gateway.clientId] });
    await target.asRoot('PATCH', `/api/v1/oauth/client/${gateway.clientId}`, { resources: [resource] });
    const callers = [
      await target.createClient({ scopes: ['policy:read'], resources: [resource] }),
      await target.createClient({ scopes: ['policy:read'], resources: [resource], may_act: gateway.clientId }),
    ];
    const subject = await target.createClient({ scopes: ['policy:read'], resources: [resource] });
    const subjectToken = await target.token(subject, { resource });
    const send = (actorToken: string, type = accessToken) =>
      target.requestToken(gateway, {
        grant_type: exchange,
        subject_token: subjectToken,
        subject_token_type: accessToken,
        actor_token: actorToken,
        actor_token_type: type,
      });
    for (const [index, caller] of callers.entries()) {
      for (const type of [accessToken, 'urn:ietf:params:oauth:token-type:jwt']) {
        const { status, text } = await send(await target.token(caller, { resource }), type);
        findings.check(
          `received token ${index} of ${type.split(':').at(-1)} makes nobody an actor`,
          status === 400,
          text,
        );
      }
    }
    const own = await send(await target.token(gateway, { resource }));
    findings.check('its own token makes it the actor', own.status === 200, own.text);
  },
};
