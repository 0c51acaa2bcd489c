package contract_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// Where the gateway of the base documents answers beside D1's two operations.
const (
	ownPath        = "/merchant-gateways/" + fixture.GatewayID
	wellKnown      = "/.well-known/oauth-authorization-server"
	keySet         = "/.well-known/jwks.json"
	metadataPath   = wellKnown + ownPath
	keySetPath     = ownPath + keySet
	introspectPath = ownPath + "/oauth2/introspect"
	revokePath     = ownPath + "/oauth2/revoke"
)

// The second gateway of a server that has two, and a client of it with the base secret.
const (
	otherGatewayID = "MGW_000002"
	otherClientID  = "globex-d1"
)

var (
	wantInactive    = want{status: http.StatusOK, body: `{"active":false}`}
	wantRevoked     = want{status: http.StatusOK}
	wantOtherClient = wantBR("unauthorized_client")
)

// get asks for a document.
func get(path string) running.Request {
	return running.Request{Method: http.MethodGet, Path: path, Header: http.Header{}}
}

// introspect asks the base gateway about a token, as the base client.
func introspect(token string) running.Request {
	return running.T0().WithPath(introspectPath).WithBody("token=" + url.QueryEscape(token))
}

// revoke revokes a token at the base gateway, as the base client.
func revoke(token string) running.Request {
	return introspect(token).WithPath(revokePath)
}

// as is a request of another client with the base secret.
func as(clientID string, r running.Request) running.Request {
	return r.With("Authorization", fixture.BasicAuthorization(clientID, fixture.ClientSecret))
}

// atOther is a request to the second gateway.
func atOther(r running.Request) running.Request {
	return r.WithPath(strings.Replace(r.Path, fixture.GatewayID, otherGatewayID, 1))
}

// withOther adds the second gateway.
func withOther(w *running.World) { w.Another("globex", otherGatewayID, otherClientID) }

// body is the JSON object of an answer.
func body(t *testing.T, a running.Answer) object {
	t.Helper()
	var o object
	if err := json.Unmarshal([]byte(a.Body), &o); err != nil {
		t.Fatalf("answer %s: %v", a, err)
	}
	return o
}

// isActive checks that a token is live by introspection, and answers what is said of it.
func (v *visit) isActive(t *testing.T, r running.Request) object {
	t.Helper()
	o := body(t, v.c.For(t).Do(r))
	if o["active"] != true {
		t.Errorf("it is said to be %v", o)
	}
	return o
}

// beside is T0 and all that a client can ask for of the base gateway: each takes the client's credentials in the same way.
func beside(token string) cases {
	return cases{"token": running.T0(), "introspection": introspect(token), "revocation": revoke(token)}
}

// withoutToken is everywhere for servers on which T0 would be answered otherwise: the visits have no token.
func (s *site) withoutToken(t *testing.T, test func(v *visit)) {
	t.Helper()
	for _, w := range s.worlds {
		for _, transport := range w.Transports() {
			t.Run(transport.Name, func(t *testing.T) {
				t.Parallel()
				test(&visit{T: t, w: w, c: w.Over(transport).For(t)})
			})
		}
	}
}
