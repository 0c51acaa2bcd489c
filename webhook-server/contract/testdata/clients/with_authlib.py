import json
from urllib.parse import quote_plus

from authlib.integrations.requests_client import OAuth2Session

from session import session


def drop_expires_at(response):
    """Authlib wants seconds since 1970 in expires_at, the D1 documents want RFC 3339; without the member it counts from expires_in."""
    answer = response.json()
    answer.pop("expires_at", None)
    response._content = json.dumps(answer).encode()
    return response


def get_session(token_url, setting, client_id, secret):
    if "form-encoded" in setting:
        client_id, secret = quote_plus(client_id), quote_plus(secret)
    client = OAuth2Session(client_id, secret)
    if "without expires_at" in setting:
        client.register_compliance_hook("access_token_response", drop_expires_at)
    client.fetch_token(token_url, grant_type="client_credentials")
    return client


session(get_session)
