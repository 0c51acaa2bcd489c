// What the scripts share that follow one token from the server's metadata to its end.
//
// input:  {setting, issuer, notifyURL, id, secret, key}; the key is PKCS #8 in PEM, "" where the client has none
// output: {issuer, tokenEndpoint, notified, live, dead, garbage, notifiedAfter} or {error}
import { text } from 'node:stream/consumers';
import { webcrypto } from 'node:crypto';
import { describe, notify } from './session.mjs';

// lifecycle calls connect(order), which answers {metadata, token(), introspect(token), revoke(token)}.
export async function lifecycle(connect) {
  const order = JSON.parse(await text(process.stdin));
  const end = {};
  try {
    const client = await connect(order);
    end.issuer = client.metadata.issuer;
    end.tokenEndpoint = client.metadata.token_endpoint;
    const token = await client.token();
    end.notified = await notify(order.notifyURL, token);
    end.live = await client.introspect(token);
    await client.revoke(token);
    end.dead = await client.introspect(token);
    end.garbage = await client.introspect('garbage');
    await client.revoke('garbage');
    end.notifiedAfter = await notify(order.notifyURL, token);
  } catch (err) {
    end.error = describe(err);
  }
  console.log(JSON.stringify(end));
}

// importKey reads an ES256 key.
export function importKey(pem) {
  const der = Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ''), 'base64');
  return webcrypto.subtle.importKey('pkcs8', der, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
}
