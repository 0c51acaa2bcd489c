package discovery_test

import (
	"strings"
	"testing"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/discovery"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

const (
	issuerPath  = "/merchant-gateways/MGW_000001"
	rfc8414     = "/.well-known/oauth-authorization-server"
	jwks        = "/.well-known/jwks.json"
	otherIssuer = "/merchant-gateways/MGW_000002"
)

func TestParsePath(t *testing.T) {
	for path, want := range map[string]discovery.Path{
		rfc8414 + issuerPath:           {Document: discovery.Metadata, Issuer: issuerPath},
		issuerPath + rfc8414:           {Document: discovery.Metadata, Issuer: issuerPath},
		rfc8414:                        {Document: discovery.Metadata},
		issuerPath + jwks:              {Document: discovery.KeySet, Issuer: issuerPath},
		jwks:                           {Document: discovery.KeySet},
		rfc8414 + "/d1/x" + issuerPath: {Document: discovery.Metadata, Issuer: "/d1/x" + issuerPath},
		"/d1/x" + issuerPath + rfc8414: {Document: discovery.Metadata, Issuer: "/d1/x" + issuerPath},
		"/d1/x" + issuerPath + jwks:    {Document: discovery.KeySet, Issuer: "/d1/x" + issuerPath},

		"":                                      {},
		"/":                                     {},
		"/.well-known":                          {},
		"/.well-known/openid-configuration":     {},
		rfc8414 + "/":                           {},
		jwks + "/":                              {},
		jwks + issuerPath:                       {},
		rfc8414 + issuerPath + "/":              {},
		rfc8414 + issuerPath + jwks:             {},
		rfc8414 + issuerPath + rfc8414:          {},
		rfc8414 + "x" + jwks:                    {},
		"/x" + jwks:                             {},
		"/merchant-gateways/MGW_00001" + jwks:   {},
		"/merchant-gateways/MGW_0000012" + jwks: {},
		"/merchant-gateways/MGW 000001" + jwks:  {},
		"/merchant-gateways/" + jwks:            {},
		"merchant-gateways/MGW_000001x" + jwks:  {},
		strings.ToUpper(jwks):                   {},
	} {
		got, ok := discovery.ParsePath(path)
		if !ok {
			got = discovery.Path{}
		}
		if got != want || ok != (want != discovery.Path{}) || discovery.IsPath(path) != ok {
			t.Errorf("ParsePath(%q) is %+v, %v", path, got, ok)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{rfc8414 + issuerPath, issuerPath + rfc8414, jwks, issuerPath + jwks, "/d1" + issuerPath + jwks, rfc8414 + issuerPath + jwks, "//" + jwks, "", "\x00"} {
		f.Add(s)
	}
	w := fixture.New(f)
	w.Another("globex", "MGW_000002", "is_tbank02")
	f.Fuzz(func(t *testing.T, path string) {
		p, ok := discovery.ParsePath(path)
		if !ok {
			return
		}
		switch path {
		case rfc8414 + p.Issuer, p.Issuer + rfc8414:
			if p.Document != discovery.Metadata {
				t.Errorf("%q is %s", path, p.Document)
			}
		case p.Issuer + jwks:
			if p.Document != discovery.KeySet {
				t.Errorf("%q is %s", path, p.Document)
			}
		default:
			t.Errorf("%q is taken for %+v", path, p)
		}
		// No path but the exact ones finds a gateway, and none finds another one than it names.
		g, certain := p.Find(w.Snapshot(), "d1.acme.example")
		if !certain {
			t.Error("a complete snapshot is not certain")
		}
		if g != nil && !strings.HasSuffix(p.Issuer, "/merchant-gateways/"+g.GatewayID) {
			t.Errorf("%q finds %s", path, g.GatewayID)
		}
		if (g != nil) != (p.Issuer == issuerPath || p.Issuer == otherIssuer) {
			t.Errorf("%q finds %v", path, g)
		}
	})
}

func TestFind(t *testing.T) {
	broken := func(w *fixture.World) {
		w.State.Apply([]serving.Update{{Object: "gateway.payments.initech", Data: []byte("{")}})
	}
	hosts := func(names ...string) func(*fixture.World) {
		return func(w *fixture.World) { w.Gateway.Hostnames = names; w.Publish() }
	}
	longer := func(w *fixture.World) {
		w.Gateway.Issuer = "https://proxy.example/d1" + issuerPath
		w.Publish()
	}
	another := func(w *fixture.World) { w.Another("globex", "MGW_000002", "is_tbank02") }
	disabled := func(w *fixture.World) {
		w.Secrets.CABundles = []api.CABundle{{ID: "ca-1", PEM: fixture.CABundle(t)}}
		w.Gateway.ClientCertificate, w.Gateway.OAuthDisabled = &api.ClientCertificate{CABundle: "ca-1"}, true
		w.Publish()
	}
	for name, c := range map[string]struct {
		change          func(*fixture.World)
		issuer, host    string
		found, doubtful bool
	}{
		"its path":                               {func(*fixture.World) {}, issuerPath, "any.example", true, false},
		"its path, another beside it":            {another, issuerPath, "any.example", true, false},
		"its path on one of its hosts":           {hosts("a.example", "b.example"), issuerPath, "B.example.:8443", true, false},
		"its path on another host":               {hosts("a.example"), issuerPath, "b.example", false, false},
		"another path":                           {func(*fixture.World) {}, otherIssuer, "any.example", false, false},
		"another path while something is broken": {broken, otherIssuer, "any.example", false, true},
		"its path while something is broken":     {broken, issuerPath, "any.example", true, false},
		"no OAuth":                               {disabled, issuerPath, "any.example", false, false},
		"a longer path":                          {longer, "/d1" + issuerPath, "any.example", true, false},
		"a longer path without the proxy's":      {longer, issuerPath, "any.example", true, false},
		"a longer path that is not its own":      {longer, "/d2" + issuerPath, "any.example", false, false},
		"alone":                                  {func(*fixture.World) {}, "", "any.example", true, false},
		"alone without OAuth":                    {disabled, "", "any.example", false, false},
		"one of two":                             {another, "", "any.example", false, false},
		"one of two, the other without OAuth":    {func(w *fixture.World) { another(w); disabled(w) }, "", "any.example", false, false},
		"alone on the host":                      {hosts("a.example"), "", "a.example", true, false},
		"alone on another host":                  {hosts("a.example"), "", "b.example", false, false},
		"on the host beside one of all hosts":    {func(w *fixture.World) { hosts("a.example")(w); another(w) }, "", "a.example", false, false},
		"nobody there while something is broken": {func(w *fixture.World) { hosts("a.example")(w); broken(w) }, "", "b.example", false, true},
		"one of two while something is broken":   {func(w *fixture.World) { another(w); broken(w) }, "", "any.example", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := fixture.New(t)
			c.change(w)
			g, certain := discovery.Path{Document: discovery.KeySet, Issuer: c.issuer}.Find(w.Snapshot(), c.host)
			if (g != nil) != c.found || certain == c.doubtful {
				t.Errorf("found %v, certain is %v", g, certain)
			}
			if g != nil && g.GatewayID != fixture.GatewayID {
				t.Errorf("found %s", g.GatewayID)
			}
		})
	}
}
