package serving_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// withOAuth has deliveries and look-ups carry access tokens.
func withOAuth(w *fixture.World) {
	oauth := api.OAuth{TokenURL: "https://login.acme.example/token", Credentials: "cc-1", Scopes: []string{"hooks", "write"}}
	lookup := oauth
	w.Gateway.Delivery.OAuth = &oauth
	w.Gateway.TokenLookup = &api.TokenLookup{URL: "https://acme.example/{tokenId}", TimeoutSeconds: 3, OAuth: &lookup}
	w.Secrets.ClientCredentials = []api.ClientCredentials{{ID: "cc-1", ClientID: "d1gateway", ClientSecret: api.NewSecret("planted-client-secret")}}
}

func oauthOf(w *fixture.World) (delivery, lookup *serving.ClientCredentials) {
	g := w.Snapshot().Gateway("any.example", w.Gateway.GatewayID)
	return g.Destination(fixture.MerchantID).Endpoint.OAuth, g.Lookup().OAuth
}

func TestADestinationAndALookupHaveTheirClientCredentials(t *testing.T) {
	w := fixture.New(t)
	if g := w.Snapshot().Gateway("any.example", w.Gateway.GatewayID); g.Destination(fixture.MerchantID).Endpoint.OAuth != nil {
		t.Fatal("there are client credentials without oauth")
	}
	withOAuth(w)
	w.Publish()
	delivery, lookup := oauthOf(w)
	for _, c := range []*serving.ClientCredentials{delivery, lookup} {
		if c.TokenURL != "https://login.acme.example/token" || c.ClientID != "d1gateway" || c.ClientSecret.Reveal() != "planted-client-secret" ||
			!slices.Equal(c.Scopes, []string{"hooks", "write"}) || c.Endpoint == nil || c.Endpoint.OAuth != nil {
			t.Errorf("%+v", c)
		}
	}
	if delivery.Identity != lookup.Identity {
		t.Error("the same credentials have two identities: a token would be fetched for each")
	}
}

func TestClientCredentialsThatDifferInAnythingAreOthers(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	w := fixture.New(t)
	withOAuth(w)
	w.Publish()
	seen := map[[32]byte]string{}
	note := func(name string) {
		delivery, _ := oauthOf(w)
		if before, known := seen[delivery.Identity]; known {
			t.Errorf("%s: the same identity as %s", name, before)
		}
		seen[delivery.Identity] = name
	}
	note("the first")
	for _, step := range []struct {
		name   string
		change func()
	}{
		{"another URL", func() { w.Gateway.Delivery.OAuth.TokenURL += "s" }},
		{"another client id", func() { w.Secrets.ClientCredentials[0].ClientID = "d1gateway2" }},
		{"another secret under the same id", func() { w.Secrets.ClientCredentials[0].ClientSecret = api.NewSecret("planted-other-secret") }},
		{"fewer scopes", func() { w.Gateway.Delivery.OAuth.Scopes = []string{"hooks"} }},
		{"scopes that only join to the same text", func() { w.Gateway.Delivery.OAuth.Scopes = []string{"ho", "oks"} }},
		{"another CA", func() {
			w.Secrets.CABundles = []api.CABundle{{ID: "ca-1", PEM: authority}}
			w.Gateway.Delivery.OAuth.TLS = api.TLS{CABundle: "ca-1"}
		}},
	} {
		step.change()
		w.Publish()
		if problems := w.State.Problems(); len(problems) > 0 {
			t.Fatalf("%s: %v", step.name, problems[0].Err)
		}
		note(step.name)
	}
}
