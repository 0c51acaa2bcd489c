"""What lifecycle.mjs describes, by authlib; it has no discovery of its own for metadata of RFC 8414, so the URLs are read by hand."""

import json
import sys

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

from drop import drop_expires_at

order = json.load(sys.stdin)
end = {}
try:
    with OAuth2Session(order["id"], order["secret"]) as client:
        client.register_compliance_hook("access_token_response", drop_expires_at)
        server = AuthorizationServerMetadata(client.get(get_well_known_url(order["issuer"], external=True), withhold_token=True).json())
        for name in ("issuer", "token_endpoint", "jwks_uri", "grant_types_supported", "token_endpoint_auth_methods_supported", "revocation_endpoint", "introspection_endpoint"):
            getattr(server, f"validate_{name}")()
        end["issuer"], end["tokenEndpoint"] = server["issuer"], server["token_endpoint"]
        token = client.fetch_token(server["token_endpoint"], grant_type="client_credentials")["access_token"]

        def notify():
            return client.post(order["notifyURL"], json={"updateType": "TOKEN_STATE_CHANGE"}).status_code

        def introspect(token):
            return client.introspect_token(server["introspection_endpoint"], token=token).json()

        def revoke(token):
            client.revoke_token(server["revocation_endpoint"], token=token).raise_for_status()

        end["notified"], end["live"] = notify(), introspect(token)
        revoke(token)
        end["dead"], end["garbage"] = introspect(token), introspect("garbage")
        revoke("garbage")
        end["notifiedAfter"] = notify()
except Exception as err:  # the test judges it
    end["error"] = getattr(err, "error", None) or f"{type(err).__name__} {err}"
json.dump(end, sys.stdout)
