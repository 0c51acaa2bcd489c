package token_test

import (
	"encoding/base64"
	"slices"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
)

func TestColonAndOtherCharactersInTheSecret(t *testing.T) {
	for name, c := range map[string]struct{ secret, sent string }{
		"a colon":                              {"a:b:c", "a:b:c"},
		"a colon, form-encoded":                {"a:b", "a%3Ab"},
		"a percent escape, sent raw":           {"a%41b", "a%41b"},
		"a percent escape, form-encoded":       {"a%41b", "a%2541b"},
		"a plus, sent raw":                     {"a+b", "a+b"},
		"a plus, form-encoded":                 {"a+b", "a%2Bb"},
		"a space as a plus":                    {"a b", "a+b"},
		"a percent sign that escapes nothing":  {"100%", "100%"},
		"letters beyond ASCII (charset UTF-8)": {"gèheim", "gèheim"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			e.Client.Credentials[0] = fixture.Credential("first", c.secret, fixture.Now())
			e.Publish()
			for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
				r := t0()
				r.authorization = []string{"Basic " + encoding.EncodeToString([]byte("is_tbank01:"+c.sent))}
				e.wantOK(e.send(r))
			}
		})
	}
}

func TestSecretRotated(t *testing.T) {
	e := newEndpoint(t)
	old := e.Client.Credentials[0]
	old.ExpiresAt = fixture.Now().Add(time.Hour)
	e.Client.Credentials = append([]api.Credential{fixture.Credential("second", "new", fixture.Now())}, old)
	e.Publish()
	with := func(secret string) answer {
		r := t0()
		r.authorization = []string{fixture.BasicAuthorization("is_tbank01", secret)}
		return e.send(r)
	}
	e.wantOK(with("new"))
	e.wantOK(with("123"))
	if !slices.Equal(e.observer.authenticated, []string{"second", "first"}) {
		t.Errorf("credentials used: %v", e.observer.authenticated)
	}
	e.now = old.ExpiresAt.Add(-time.Second)
	e.wantOK(with("123"))
	e.now = old.ExpiresAt
	e.wantInvalidClient(with("123"))
	e.wantOK(with("new"))
}

func TestClientSuspendedOrDeleted(t *testing.T) {
	e := newEndpoint(t)
	e.Client.Suspended = true
	e.Publish()
	e.wantInvalidClient(e.send(t0()))
	e.Client.Suspended = false
	e.Publish()
	e.wantOK(e.send(t0()))
	e.Delete(e.Client)
	e.wantInvalidClient(e.send(t0()))
}

func TestAnotherHostsClientIsUnknown(t *testing.T) {
	e := newEndpoint(t)
	e.Gateway.Hostnames = []string{"d1.acme.example"}
	e.Publish()
	e.wantInvalidClient(e.send(t0()))
}
