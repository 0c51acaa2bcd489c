package token_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/peer"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
)

// verified is a token that is live at the endpoint's gateway.
func (e *endpoint) verified(raw string) accesstoken.Token {
	e.t.Helper()
	live, err := accesstoken.NewVerifier(16, new(accesstoken.Revocations)).Verify(e.Compiled(), e.Snapshot(), raw, e.now)
	if err != nil {
		e.t.Fatal(err)
	}
	return live
}

func TestATokenOfTheEndpointIsGood(t *testing.T) {
	for _, algorithm := range []api.Algorithm{api.ES256, api.EdDSA, api.RS256} {
		t.Run(string(algorithm), func(t *testing.T) {
			e := newEndpoint(t)
			e.Secrets.SigningKeys = append(e.Secrets.SigningKeys, fixture.SigningKey(t, "next", algorithm, fixture.Now()))
			e.Gateway.SigningKeys = []string{"next"}
			e.Publish()
			live := e.verified(e.issue())
			if live.Client.ClientID != fixture.ClientID || live.Permits(api.NotifyScope) != nil || live.NeedsCertificate() {
				t.Errorf("got %+v", live.Claims)
			}
			if !live.IssuedAt.Equal(e.now) || !live.ExpiresAt.Equal(e.now.Add(15*time.Minute)) {
				t.Errorf("issued at %v, expires at %v", live.IssuedAt, live.ExpiresAt)
			}
			if !slices.Equal(e.observer.signed, []string{"next"}) {
				t.Errorf("keys observed to sign: %v", e.observer.signed)
			}
		})
	}
}

func TestAClientIdThatJSONMustEscape(t *testing.T) {
	e := newEndpoint(t)
	e.Client.ClientID = `a"b\c<d`
	e.Publish()
	r := t0()
	r.authorization = []string{fixture.BasicAuthorization(e.Client.ClientID, fixture.ClientSecret)}
	raw := e.wantOK(e.send(r))["access_token"].(string)
	if live := e.verified(raw); live.Client.ClientID != e.Client.ClientID {
		t.Errorf("got %v", live.Client.ClientID)
	}
}

func TestATokenHoldsTheScopesThatWereGrantedOnly(t *testing.T) {
	e := newEndpoint(t)
	e.Client.Scopes = []string{"d1:notify", "d1:read"}
	e.Publish()
	r := t0()
	r.body += "&scope=d1%3Aread"
	live := e.verified(e.wantOK(e.send(r))["access_token"].(string))
	if live.Permits("d1:read") != nil || live.Permits("d1:notify") == nil {
		t.Errorf("scope is %q", live.Scope)
	}
}

func TestWhereTokensAreBoundTheyNeedAnAcceptedCertificate(t *testing.T) {
	e := newEndpoint(t)
	e.RequireClientCertificate()
	e.Gateway.CertificateBoundTokens = true
	e.Publish()
	e.wantInvalidClient(e.send(t0()))
	if !strings.Contains(e.log.String(), "no token without a client certificate") {
		t.Errorf("the reason is not logged: %s", e.log)
	}
	// Who calls comes before what is wrong with the request beside that.
	r := t0()
	r.body = "grant_type=password"
	e.wantInvalidClient(e.send(r))

	e.thumbprint = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
	if live := e.verified(e.issue()); live.Confirmation.Thumbprint != e.thumbprint || !live.NeedsCertificate() {
		t.Errorf("cnf is %+v", live.Confirmation)
	}
}

func TestWhereTokensAreNotBoundTheCertificateIsNotLookedAt(t *testing.T) {
	e := newEndpoint(t)
	e.thumbprint = "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0"
	if live := e.verified(e.issue()); live.Confirmation.Thumbprint != "" {
		t.Errorf("cnf is %+v", live.Confirmation)
	}
}

// exampleCertificate is that of RFC 8705 appendix A, figure 6.
const exampleCertificate = `-----BEGIN CERTIFICATE-----
MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx
ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ
/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID
SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV
bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=
-----END CERTIFICATE-----`

// The certificate has expired long ago, so what is tried here is the thumbprint only.
func TestTheExampleOfRFC8705(t *testing.T) {
	w := fixture.New(t)
	w.RequireClientCertificate()
	w.Gateway.CertificateBoundTokens = true
	w.Publish()
	block, _ := pem.Decode([]byte(exampleCertificate))
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	peers := peer.New(peer.Options{Now: fixture.Now})
	h := token.NewHandler(token.Options{
		Clients:    w.Authenticator(),
		Thumbprint: func(r *http.Request, _ *serving.Gateway) (string, error) { return peers.Thumbprint(r), nil },
		Observer:   new(observer), Logger: slog.New(slog.DiscardHandler), RetryAfter: time.Second,
	})
	r := httptest.NewRequest(http.MethodPost, fixture.TokenPath, strings.NewReader("grant_type=client_credentials"))
	r.Header = http.Header{"Authorization": {fixture.Basic}, "Content-Type": {"application/x-www-form-urlencoded"}}
	r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate}}
	got := httptest.NewRecorder()
	h.ServeHTTP(got, r)
	var body struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(got.Body.Bytes(), &body); err != nil {
		t.Fatalf("answered %d %s", got.Code, got.Body)
	}
	live, err := accesstoken.NewVerifier(16, new(accesstoken.Revocations)).Verify(w.Compiled(), w.Snapshot(), body.AccessToken, fixture.Now())
	if err != nil {
		t.Fatal(err)
	}
	if live.Confirmation.Thumbprint != "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0" {
		t.Errorf("cnf is %+v", live.Confirmation)
	}
	if err := live.CheckCertificate(peers.Thumbprint(r)); err != nil {
		t.Error(err)
	}
}
