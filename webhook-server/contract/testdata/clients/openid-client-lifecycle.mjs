import { importKey, lifecycle } from './lifecycle.mjs';
import * as openid from 'openid-client';

const settings = {
  '': () => undefined, // the library's default
  ClientSecretBasic: ({ secret }) => openid.ClientSecretBasic(secret),
  PrivateKeyJwt: async ({ key }) => openid.PrivateKeyJwt(await importKey(key)),
};

await lifecycle(async (order) => {
  const [setting, where] = order.setting.split(' at ');
  const server = { undefined: order.issuer, 'its well-known URL': `${order.issuer}/.well-known/oauth-authorization-server` }[where] ?? order.issuer;
  const options = where === 'the path of OpenID Connect' ? undefined : { algorithm: 'oauth2' };
  const config = await openid.discovery(new URL(server), order.id, order.secret || undefined, await settings[setting](order), options);
  return {
    metadata: config.serverMetadata(),
    token: async () => (await openid.clientCredentialsGrant(config)).access_token,
    introspect: (token) => openid.tokenIntrospection(config, token),
    revoke: (token) => openid.tokenRevocation(config, token),
  };
});
