package clientauth_test

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

// FuzzAssertion looks for an assertion that authenticates though none of the client's keys has signed it, and for a part of one in the
// log or the answer. Nobody has the client's keys: they are new with each run.
func FuzzAssertion(f *testing.F) {
	w := fixture.New(f)
	keys := []fixture.ClientKey{fixture.NewClientKey(f, "1", "ES256"), fixture.NewClientKey(f, "2", "EdDSA"), fixture.NewClientKey(f, "3", "RS256")}
	keys[1].Public.KeyID = "second"
	keys[2].Public.Algorithm = ""
	w.UseKeys(keys...)
	w.Publish()
	encode := base64.RawURLEncoding.EncodeToString
	claims := encode([]byte(`{"iss":"is_tbank01","sub":"is_tbank01","aud":"` + fixture.Issuer + `","exp":1767323105,"jti":"x"}`))
	for _, header := range []string{`{"alg":"none"}`, `{"alg":"ES256"}`, `{"alg":"EdDSA","kid":"second"}`, `{"alg":"PS256","crit":["x"]}`, `{"alg":"HS256"}`, `null`, `[]`, `{"alg":1}`} {
		f.Add(encode([]byte(header))+"."+claims+"."+strings.Repeat("A", 86), "")
	}
	f.Add("", "")
	f.Add("..", "is_tbank01")
	f.Add(encode([]byte(`{"alg":"ES256"}`))+"."+encode([]byte("null"))+".AA", "\xff")
	f.Add(encode([]byte(`{"alg":"ES256"}`))+"."+encode([]byte(`{"iss":"nobody","sub":"nobody","exp":1e999}`))+".AA", "nobody")
	log := new(bytes.Buffer)
	clients := w.Authenticator(func(o *clientauth.Options) { o.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	f.Fuzz(func(t *testing.T, assertion, clientID string) {
		log.Reset()
		clients.Shrink(8) // else all would be refused after the first few
		form := url.Values{"client_assertion_type": {assertionType}, "client_assertion": {assertion}}
		if clientID != "" {
			form.Set("client_id", clientID)
		}
		in, out := request{form: form}.build(), httptest.NewRecorder()
		who, refusal := clients.Authenticate(out, in, find(in))
		if refusal == "" || who.Client != nil {
			t.Fatalf("%q authenticates", assertion)
		}
		clientauth.WriteRefusal(out, refusal, time.Second)
		told := log.String() + out.Body.String()
		for part := range strings.SplitSeq(assertion, ".") {
			if len(part) > 20 && strings.Contains(told, part) {
				t.Errorf("%q is told again: %s", part, told)
			}
		}
	})
}
