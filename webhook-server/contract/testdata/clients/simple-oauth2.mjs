import { session } from './session.mjs';
import { ClientCredentials } from 'simple-oauth2';

const settings = {
  '': undefined, // the library's defaults
  'credentialsEncodingMode: loose': { credentialsEncodingMode: 'loose' },
};

await session(async ({ tokenURL, setting }, { id, secret }) => {
  const { origin, pathname } = new URL(tokenURL);
  const client = new ClientCredentials({
    client: { id, secret },
    auth: { tokenHost: origin, tokenPath: pathname },
    options: settings[setting],
  });
  const { token } = await client.getToken({});
  return { accessToken: token.access_token, tokenType: token.token_type, expiresIn: (token.expires_at - Date.now()) / 1000 };
});
