import json


def drop_expires_at(response):
    """Authlib wants seconds since 1970 in expires_at, the D1 documents want RFC 3339; without the member it counts from expires_in."""
    answer = response.json()
    answer.pop("expires_at", None)
    response._content = json.dumps(answer).encode()
    return response
