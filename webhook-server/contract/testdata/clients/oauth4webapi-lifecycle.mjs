import { importKey, lifecycle } from './lifecycle.mjs';
import * as oauth from 'oauth4webapi';

const settings = {
  ClientSecretBasic: ({ secret }) => oauth.ClientSecretBasic(secret),
  ClientSecretPost: ({ secret }) => oauth.ClientSecretPost(secret),
  PrivateKeyJwt: async ({ key }) => oauth.PrivateKeyJwt(await importKey(key)),
};

await lifecycle(async (order) => {
  const issuer = new URL(order.issuer);
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: 'oauth2' }));
  const client = { client_id: order.id };
  const auth = await settings[order.setting](order);
  return {
    metadata: server,
    token: async () => {
      const response = await oauth.clientCredentialsGrantRequest(server, client, auth, {});
      return (await oauth.processClientCredentialsResponse(server, client, response)).access_token;
    },
    introspect: async (token) => oauth.processIntrospectionResponse(server, client, await oauth.introspectionRequest(server, client, auth, token)),
    revoke: async (token) => oauth.processRevocationResponse(await oauth.revocationRequest(server, client, auth, token)),
  };
});
