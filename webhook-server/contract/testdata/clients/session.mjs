// What the scripts of this folder share: the test writes on standard input what to do and reads from standard output how it ended.
//
// input:  {setting, issuer, notifyURL, tokenURLs: [...], clients: [{name, id, secret}]}
// output: [{name, tokenURL, tokenType, expiresIn, notifyStatus} or {name, tokenURL, error}]
import { text } from 'node:stream/consumers';
import { webcrypto } from 'node:crypto';

globalThis.crypto ??= webcrypto; // Node.js 18 has no global one

// session calls getToken({tokenURL, issuer, setting}, {id, secret}) for every token URL and client; it answers {accessToken, tokenType, expiresIn}.
export async function session(getToken) {
  const { clients, notifyURL, tokenURLs, ...rest } = JSON.parse(await text(process.stdin));
  const ends = [];
  for (const tokenURL of tokenURLs) {
    for (const client of clients) {
      const end = { name: client.name, tokenURL };
      try {
        const token = await getToken({ ...rest, tokenURL }, client);
        end.tokenType = token.tokenType;
        end.expiresIn = Math.round(token.expiresIn);
        end.notifyStatus = await notify(notifyURL, token.accessToken);
      } catch (err) {
        end.error = describe(err);
      }
      ends.push(end);
    }
  }
  console.log(JSON.stringify(ends));
}

export async function notify(url, accessToken) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { Authorization: `Bearer ${accessToken}`, 'Content-Type': 'application/json', 'x-correlation-id': 'c-1' },
    body: '{"updateType":"TOKEN_STATE_CHANGE"}',
  });
  await response.arrayBuffer();
  return response.status;
}

// describe is the OAuth error code where there is one, the challenge where the library has read one, else the whole story.
export function describe(err) {
  if (err.code === 'OAUTH_WWW_AUTHENTICATE_CHALLENGE') {
    return err.cause.map(({ scheme, parameters }) => `challenge ${scheme} ${parameters.realm} ${parameters.charset}`).join();
  }
  const code = err.error ?? err.oauth2Code ?? err.data?.payload?.error;
  if (typeof code === 'string') return code;
  const story = [];
  for (let e = err; e instanceof Error; e = e.cause) story.push(`${e.name} ${e.code ?? ''} ${e.message}`);
  return story.join(': ') || String(err);
}
