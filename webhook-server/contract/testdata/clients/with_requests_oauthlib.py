from urllib.parse import quote_plus

from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

from session import session


def get_session(token_url, setting, client_id, secret):
    if setting == "form-encoded":
        client_id, secret = quote_plus(client_id), quote_plus(secret)
    client = OAuth2Session(client=BackendApplicationClient(client_id=client_id))
    client.fetch_token(token_url, client_secret=secret)
    return client


session(get_session)
