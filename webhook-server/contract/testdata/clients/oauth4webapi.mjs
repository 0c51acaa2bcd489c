import { session } from './session.mjs';
import * as oauth from 'oauth4webapi';

const settings = {
  ClientSecretBasic: oauth.ClientSecretBasic,
  ClientSecretPost: oauth.ClientSecretPost,
};

await session(async ({ tokenURL, issuer, setting }, { id, secret }) => {
  const server = { issuer, token_endpoint: tokenURL };
  const client = { client_id: id };
  const response = await oauth.clientCredentialsGrantRequest(server, client, settings[setting](secret), {});
  const token = await oauth.processClientCredentialsResponse(server, client, response);
  return { accessToken: token.access_token, tokenType: token.token_type, expiresIn: token.expires_in };
});
