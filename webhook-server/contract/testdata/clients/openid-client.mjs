import { session } from './session.mjs';
import * as openid from 'openid-client';

const settings = {
  '': () => undefined, // the library's default
  ClientSecretBasic: openid.ClientSecretBasic,
};

await session(async ({ tokenURL, issuer, setting }, { id, secret }) => {
  const server = { issuer, token_endpoint: tokenURL };
  const config = new openid.Configuration(server, id, secret, settings[setting](secret));
  const token = await openid.clientCredentialsGrant(config);
  return { accessToken: token.access_token, tokenType: token.token_type, expiresIn: token.expiresIn() };
});
