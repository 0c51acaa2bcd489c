package serving_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/d1gateway/d1gateway/api/serving"
)

var created = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func gateway() *serving.Gateway {
	return &serving.Gateway{
		Header:             serving.Header{Format: serving.Format, Kind: serving.KindGateway, Namespace: "payments", Name: "acme", Generation: 3},
		GatewayID:          "MGW_000001",
		Hostnames:          []string{"d1.acme.example"},
		TokenEndpoints:     []serving.TokenEndpoint{{Path: "/authz/d1/v1/oauth2/token", Dialect: serving.DialectIssuer}, {Path: "/oauth2/token", Dialect: serving.DialectEcom}},
		AuthMethods:        []serving.AuthMethod{serving.ClientSecretBasic},
		Issuer:             "https://d1.acme.example/merchant-gateways/MGW_000001",
		AccessTokenSeconds: 900,
		SigningKeys:        []string{"key-1"},
		Merchants:          []serving.Merchant{{ID: "40010000001"}, {ID: "40010000002", Delivery: destination()}},
		Delivery:           destination(),
		TokenLookup:        &serving.TokenLookup{URL: "https://vault.acme.example/{merchantId}/{tokenId}", TimeoutSeconds: 3, CacheSeconds: 300},
	}
}

func destination() *serving.Destination {
	return &serving.Destination{
		URL: "https://orders.acme.example/d1?a=1&b=2", TimeoutSeconds: 10, MaxInFlight: 10,
		Retry:          serving.Retry{MaxAgeHours: 72, InitialSeconds: 1, MaxSeconds: 3600},
		SigningSecrets: []string{"delivery-1"}, TLS: serving.TLS{CABundle: "ca-1", ClientCertificate: "cert-1"},
	}
}

func secrets() *serving.GatewaySecrets {
	return &serving.GatewaySecrets{
		Header:         serving.Header{Format: serving.Format, Kind: serving.KindGatewaySecrets, Namespace: "payments", Name: "acme"},
		SigningKeys:    []serving.SigningKey{{ID: "key-1", Algorithm: serving.ES256, PrivateKey: serving.NewSecret(planted), CreatedAt: created, SignsFrom: created}},
		SigningSecrets: []serving.SigningSecret{{ID: "delivery-1", Secret: serving.NewSecret("whsec_" + planted)}},
		CABundles:      []serving.CABundle{{ID: "ca-1", PEM: "<pem>"}},
		Certificates:   []serving.KeyCertificate{{ID: "cert-1", CertificatePEM: "<pem>", KeyPEM: serving.NewSecret(planted)}},
	}
}

func oauthClient() *serving.Client {
	return &serving.Client{
		Header:  serving.Header{Format: serving.Format, Kind: serving.KindClient, Namespace: "payments", Name: "thales-d1", UID: "0f8fad5b-d9cb-469f-a165-70867728950e", Generation: 1},
		Gateway: "acme", ClientID: "is_tbank01", Scopes: []string{serving.NotifyScope}, TokensNotBefore: created,
		Credentials: []serving.Credential{
			{ID: "cred-2", Digest: serving.DigestSecret("new"), CreatedAt: created},
			{ID: "cred-1", Digest: serving.DigestSecret("old"), CreatedAt: created.Add(-time.Hour), ExpiresAt: created.Add(time.Hour)},
		},
	}
}

const planted = "plantedsecretplantedsecretplantedsecret"

func TestADocumentIsReadBackAsItWasWritten(t *testing.T) {
	for _, d := range []serving.Document{gateway(), secrets(), oauthClient()} {
		t.Run(string(d.Head().Kind), func(t *testing.T) {
			encoded, err := serving.Encode(d)
			if err != nil {
				t.Fatal(err)
			}
			decoded, err := serving.Decode(encoded)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(d, decoded, cmp.Comparer(func(a, b serving.Secret) bool { return a == b })); diff != "" {
				t.Error(diff)
			}
			if again, _ := serving.Encode(decoded); !bytes.Equal(encoded, again) {
				t.Error("encoding again gives other bytes")
			}
		})
	}
}

func TestOnlyTheCanonicalEncodingIsRead(t *testing.T) {
	encoded, err := serving.Encode(oauthClient())
	if err != nil {
		t.Fatal(err)
	}
	text := string(encoded)
	for name, other := range map[string]string{
		"trailing data":            text + "{}",
		"trailing space":           text + " ",
		"no indentation":           compact(t, encoded),
		"an unknown member":        strings.Replace(text, `"gateway"`, `"extra": 1, "gateway"`, 1),
		"a repeated member":        strings.Replace(text, `"gateway": "acme"`, `"gateway": "acme", "gateway": "other"`, 1),
		"a member in another case": strings.Replace(text, `"clientID"`, `"clientId"`, 1),
		"another format":           strings.Replace(text, "serving/v1", "serving/v2", 1),
		"another kind":             strings.Replace(text, `"kind": "Client"`, `"kind": "Gateway"`, 1),
		"an unknown kind":          strings.Replace(text, `"kind": "Client"`, `"kind": "Other"`, 1),
		"a cut":                    text[:len(text)/2],
		"nothing":                  "",
		"null":                     "null",
	} {
		t.Run(name, func(t *testing.T) {
			if other == text {
				t.Fatal("the case changes nothing")
			}
			if _, err := serving.Decode([]byte(other)); err == nil {
				t.Error("it was read")
			}
		})
	}
}

func compact(t *testing.T, encoded []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, encoded); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAnInvalidDocumentIsNeitherWrittenNorReadAndNamesTheField(t *testing.T) {
	type change struct {
		field string
		apply func(g *serving.Gateway, s *serving.GatewaySecrets, c *serving.Client)
	}
	for _, tc := range []change{
		{"gatewayID", func(g *serving.Gateway, _ *serving.GatewaySecrets, _ *serving.Client) { g.GatewayID = "short" }},
		{"hostnames[0]", func(g *serving.Gateway, _ *serving.GatewaySecrets, _ *serving.Client) {
			g.Hostnames = []string{"Upper.example"}
		}},
		{"tokenEndpoints", func(g *serving.Gateway, _ *serving.GatewaySecrets, _ *serving.Client) { g.TokenEndpoints = nil }},
		{"tokenEndpoints[0].path", func(g *serving.Gateway, _ *serving.GatewaySecrets, _ *serving.Client) {
			g.TokenEndpoints[0].Path = "/a//b"
		}},
		{"issuer", func(g *serving.Gateway, _ *serving.GatewaySecrets, _ *serving.Client) { g.Issuer = "ftp://x" }},
		{"signingKeys", func(g *serving.Gateway, _ *serving.GatewaySecrets, _ *serving.Client) { g.SigningKeys = nil }},
		{"clientCertificate", func(g *serving.Gateway, _ *serving.GatewaySecrets, _ *serving.Client) { g.OAuthDisabled = true }},
		{"merchants", func(g *serving.Gateway, _ *serving.GatewaySecrets, _ *serving.Client) {
			g.Merchants[0], g.Merchants[1] = g.Merchants[1], g.Merchants[0]
		}},
		{"delivery.url", func(g *serving.Gateway, _ *serving.GatewaySecrets, _ *serving.Client) {
			g.Delivery.URL = "https://user@host/"
		}},
		{"delivery.maxInFlight", func(g *serving.Gateway, _ *serving.GatewaySecrets, _ *serving.Client) { g.Delivery.MaxInFlight = 0 }},
		{"merchants[1].delivery.timeoutSeconds", func(g *serving.Gateway, _ *serving.GatewaySecrets, _ *serving.Client) {
			g.Merchants[1].Delivery.TimeoutSeconds = 0
		}},
		{"tokenLookup.url", func(g *serving.Gateway, _ *serving.GatewaySecrets, _ *serving.Client) {
			g.TokenLookup.URL = "https://vault/{merchantId}"
		}},
		{"signingKeys[0].algorithm", func(_ *serving.Gateway, s *serving.GatewaySecrets, _ *serving.Client) {
			s.SigningKeys[0].Algorithm = "none"
		}},
		{"signingSecrets[0].secret", func(_ *serving.Gateway, s *serving.GatewaySecrets, _ *serving.Client) {
			s.SigningSecrets[0].Secret = serving.NewSecret(planted)
		}},
		{"clientID", func(_ *serving.Gateway, _ *serving.GatewaySecrets, c *serving.Client) { c.ClientID = "a:b" }},
		{"scopes[0]", func(_ *serving.Gateway, _ *serving.GatewaySecrets, c *serving.Client) { c.Scopes = []string{"a b"} }},
		{"credentials", func(_ *serving.Gateway, _ *serving.GatewaySecrets, c *serving.Client) { c.Credentials = nil }},
		{"credentials[1].expiresAt", func(_ *serving.Gateway, _ *serving.GatewaySecrets, c *serving.Client) {
			c.Credentials[1].ExpiresAt = created.Add(time.Millisecond)
		}},
	} {
		t.Run(tc.field, func(t *testing.T) {
			g, s, c := gateway(), secrets(), oauthClient()
			tc.apply(g, s, c)
			var failed []error
			for _, d := range []serving.Document{g, s, c} {
				if _, err := serving.Encode(d); err != nil {
					failed = append(failed, err)
				}
			}
			if len(failed) != 1 || !strings.HasPrefix(failed[0].Error(), tc.field+" ") {
				t.Errorf("errors %v do not name %s", failed, tc.field)
			}
			if len(failed) == 1 && strings.Contains(failed[0].Error(), planted) {
				t.Error("the error repeats a secret")
			}
		})
	}
}

func TestAGatewaySaysWhatItsSecretsLack(t *testing.T) {
	if missing := gateway().Missing(secrets()); missing != "" {
		t.Errorf("complete, and yet %s is said to be missing", missing)
	}
	for want, remove := range map[string]func(*serving.GatewaySecrets){
		"signing key key-1":         func(s *serving.GatewaySecrets) { s.SigningKeys = nil },
		"signing secret delivery-1": func(s *serving.GatewaySecrets) { s.SigningSecrets = nil },
		"CA bundle ca-1":            func(s *serving.GatewaySecrets) { s.CABundles = nil },
		"certificate cert-1":        func(s *serving.GatewaySecrets) { s.Certificates = nil },
	} {
		s := secrets()
		remove(s)
		if got := gateway().Missing(s); got != want {
			t.Errorf("missing is %q, not %q", got, want)
		}
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	var out bytes.Buffer
	s := secrets()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		_, _ = fmt.Fprintf(&out, verb+"\n", s)
		_, _ = fmt.Fprintf(&out, verb+"\n", s.SigningKeys[0].PrivateKey)
		_, _ = fmt.Fprintf(&out, verb+"\n", &s.SigningKeys[0].PrivateKey)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("document", "secrets", s, "key", s.SigningKeys[0].PrivateKey)
	slog.New(slog.NewTextHandler(&out, nil)).Info("document", "secrets", s, "key", s.SigningKeys[0].PrivateKey)
	if err := json.NewEncoder(&out).Encode(s); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), planted) || strings.Contains(out.String(), fmt.Sprintf("%x", planted)) {
		t.Error("a secret was printed")
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("nothing was printed at all")
	}
}

func TestObjectNamesNeverCollide(t *testing.T) {
	a := serving.Header{Kind: serving.KindClient, Namespace: "a", Name: "b.c"}
	b := serving.Header{Kind: serving.KindGateway, Namespace: "a", Name: "b.c"}
	if a.ObjectName() != "client.a.b.c" || a.ObjectName() == b.ObjectName() {
		t.Errorf("names are %s and %s", a.ObjectName(), b.ObjectName())
	}
}

// FuzzDecode: what is accepted is valid, canonical and survives the way back; what is not makes an error and never a panic.
func FuzzDecode(f *testing.F) {
	for _, d := range []serving.Document{gateway(), secrets(), oauthClient()} {
		encoded, err := serving.Encode(d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Add([]byte(`{"format":"d1gateway.io/serving/v1","kind":"Client"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := serving.Decode(b)
		if err != nil {
			return
		}
		again, err := serving.Encode(d)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("accepted, but encodes to other bytes (%v)", err)
		}
	})
}
