import { session } from './session.mjs';
import { OAuth2Client } from '@badgateway/oauth2-client';

await session(async ({ tokenURL, setting }, { id, secret }) => {
  const client = new OAuth2Client({
    tokenEndpoint: tokenURL,
    clientId: id,
    clientSecret: secret,
    authenticationMethod: setting || undefined,
  });
  const token = await client.clientCredentials();
  // The library does not keep the type, and takes every one for Bearer.
  return { accessToken: token.accessToken, tokenType: 'bearer', expiresIn: (token.expiresAt - Date.now()) / 1000 };
});
