package accesstoken_test

import (
	"strings"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/token/accesstoken"
)

// The documents bound what stands in a token; whoever lifts a bound there learns here that MaxTokenBytes must follow.
func TestTheLongestTokenOfAValidDocumentIsAccepted(t *testing.T) {
	w := fixture.New(t)
	w.Gateway.SigningKeys = []string{strings.Repeat("k", 128)}
	w.Secrets.SigningKeys = []api.SigningKey{fixture.SigningKey(t, w.Gateway.SigningKeys[0], api.RS256, fixture.Now())}
	w.Gateway.Issuer = "https://d1.example/" + strings.Repeat("p", 512-len("https://d1.example/"))
	w.Client.UID = strings.Repeat("u", 128)
	w.Client.ClientID = strings.Repeat(`\`, 128) // JSON writes each twice
	w.Client.Scopes = nil
	for i := range 16 {
		w.Client.Scopes = append(w.Client.Scopes, string(rune('a'+i))+strings.Repeat("s", 63))
	}
	w.Publish()
	raw := w.AccessToken(fixture.Now(), func(g *accesstoken.Grant) {
		g.Scope = strings.Join(w.Client.Scopes, " ")
		g.Thumbprint = strings.Repeat("t", 43)
	})
	if len(raw) > accesstoken.MaxTokenBytes {
		t.Fatalf("it has %d bytes", len(raw))
	}
	v := accesstoken.NewVerifier(1, new(accesstoken.Revocations))
	if _, err := v.Verify(w.Compiled(), w.Snapshot(), raw, fixture.Now()); err != nil {
		t.Error(err)
	}
	w.Client.Scopes = append(w.Client.Scopes, "one-more")
	if w.Client.Validate() == nil {
		t.Error("a document with more scopes is valid")
	}
	w.Gateway.Issuer += "p"
	if w.Gateway.Validate() == nil {
		t.Error("a document with a longer issuer is valid")
	}
}
