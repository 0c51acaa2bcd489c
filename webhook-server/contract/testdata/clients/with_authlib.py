from urllib.parse import quote_plus

from authlib.integrations.requests_client import OAuth2Session

from drop import drop_expires_at
from session import session


def get_session(token_url, setting, client_id, secret):
    if "form-encoded" in setting:
        client_id, secret = quote_plus(client_id), quote_plus(secret)
    client = OAuth2Session(client_id, secret)
    if "without expires_at" in setting:
        client.register_compliance_hook("access_token_response", drop_expires_at)
    client.fetch_token(token_url, grant_type="client_credentials")
    return client


session(get_session)
