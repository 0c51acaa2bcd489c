package faults

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
)

// What the servers serve: one gateway with a client and a merchant.
const (
	gatewayID    = "MGW_000001"
	merchantID   = "40010000001"
	clientID     = "is_tbank01"
	tokenPath    = "/oauth2/token"
	tokenSeconds = 86400
	// maxInFlight bounds the deliveries under way at once, and so the duplicates of one kill.
	maxInFlight = 32
)

// secrets are what the two sides of the gateway know.
type secrets struct{ client, signing string }

func newSecrets() secrets {
	return secrets{client: rand.Text(), signing: "whsec_" + base64.StdEncoding.EncodeToString([]byte(rand.Text() + rand.Text()))[:48]}
}

// writeDocuments writes the documents of a gateway that delivers to the URL and answers their folder.
func writeDocuments(t testing.TB, s secrets, url string) string {
	t.Helper()
	created := time.Now().UTC().Truncate(time.Second).Add(-24 * time.Hour)
	head := func(kind api.Kind, name string) api.Header {
		return api.Header{Format: api.Format, Kind: kind, Namespace: "payments", Name: name, Generation: 1}
	}
	dir := t.TempDir()
	for _, d := range []api.Document{
		&api.Gateway{
			Header: head(api.KindGateway, "acme"), GatewayID: gatewayID, Issuer: "https://d1.acme.example/merchant-gateways/" + gatewayID,
			AccessTokenSeconds: tokenSeconds, AuthMethods: []api.AuthMethod{api.ClientSecretBasic}, SigningKeys: []string{"key"},
			TokenEndpoints: []api.TokenEndpoint{{Path: tokenPath, Dialect: api.DialectEcom}}, Merchants: []api.Merchant{{ID: merchantID}},
			Delivery: &api.Destination{
				URL: url, TimeoutSeconds: 5, MaxInFlight: maxInFlight, SigningSecrets: []string{"delivery"},
				Retry: api.Retry{MaxAgeHours: 72, InitialSeconds: 1, MaxSeconds: 2},
			},
		},
		&api.GatewaySecrets{
			Header:         head(api.KindGatewaySecrets, "acme"),
			SigningKeys:    []api.SigningKey{{ID: "key", Algorithm: api.ES256, PrivateKey: newPrivateKey(t), CreatedAt: created, SignsFrom: created}},
			SigningSecrets: []api.SigningSecret{{ID: "delivery", Secret: api.NewSecret(s.signing)}},
		},
		&api.Client{
			Header: head(api.KindClient, "acme-d1"), Gateway: "acme", ClientID: clientID, Scopes: []string{api.NotifyScope}, TokensNotBefore: created,
			Credentials: []api.Credential{{ID: "first", Digest: api.DigestSecret(s.client), CreatedAt: created}},
		},
	} {
		text, err := api.Encode(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, d.Head().ObjectName()+".json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// newPrivateKey is a key for ES256 in PKCS #8 and PEM.
func newPrivateKey(t testing.TB) api.Secret {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return api.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}
