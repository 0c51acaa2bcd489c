package token_test

import (
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
)

func TestNoSecretIsLoggedOrAnswered(t *testing.T) {
	const secret = "planted-s3cret-4111111111111111"
	e := newEndpoint(t)
	e.Client.Credentials[0] = fixture.Credential("first", secret, fixture.Now())
	e.Publish()
	var answers strings.Builder
	record := func(a answer) {
		answers.WriteString(a.body)
		_ = a.header.Write(&answers)
	}
	for _, authorization := range []string{
		fixture.BasicAuthorization("is_tbank01", secret), fixture.BasicAuthorization("is_tbank01", secret+"x"),
		fixture.BasicAuthorization(secret, "x"), "Basic " + secret, "Bearer " + secret, secret,
	} {
		for _, body := range []string{"grant_type=client_credentials", "grant_type=" + secret, "grant_type=client_credentials&scope=" + secret, "client_secret=" + secret, secret + "%"} {
			r := t0()
			r.authorization, r.body = []string{authorization}, body
			record(e.send(r))
		}
	}
	issued := func() string {
		r := t0()
		r.authorization = []string{fixture.BasicAuthorization("is_tbank01", secret)}
		return e.wantOK(e.send(r))["access_token"].(string)
	}()
	logged := e.log.String()
	if !strings.Contains(logged, "client authentication failed") {
		t.Fatalf("failures are not logged: %s", logged)
	}
	for what, unwanted := range map[string]string{
		"the secret": "planted-s3cret", "a card number": "4111111111111111", "the Authorization value": strings.TrimPrefix(fixture.BasicAuthorization("is_tbank01", secret), "Basic ")[:30],
		"the access token": issued,
	} {
		if strings.Contains(logged, unwanted) {
			t.Errorf("%s is logged", what)
		}
		if strings.Contains(answers.String(), unwanted) {
			t.Errorf("%s is answered", what)
		}
	}
}
