package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
)

// What the measured servers serve: one gateway with its client and merchants, of usual sizes.
const (
	gatewayID    = "MGW_000001"
	issuer       = "https://d1.acme.example/merchant-gateways/" + gatewayID
	tokenPath    = "/oauth2/token" //nolint:gosec // a path
	clientID     = "is_tbank01"
	clientSecret = "bGsT2Zq0hYx7mWc5RkVd9NfJ4uPe8ALo1iSbQ3tXyEw" //nolint:gosec // made up for this program
	keyID        = "acme-key-1"
	tokenSeconds = 900
	merchants    = 50
)

func merchantID(i int) string { return fmt.Sprintf("4001%07d", i%merchants) }

func basicAuthorization() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(clientID+":"+clientSecret))
}

// writeNewDocuments writes new documents into a new directory in dir and answers its path.
func writeNewDocuments(dir string) (string, error) {
	all, err := newDocuments(time.Now().UTC().Truncate(time.Second).Add(-24 * time.Hour))
	if err != nil {
		return "", err
	}
	return writeDocuments(dir, all)
}

// writeDocuments writes serving documents into a new directory in dir and answers its path.
func writeDocuments(dir string, all []serving.Document) (string, error) {
	stateDir := filepath.Join(dir, "documents")
	if err := os.Mkdir(stateDir, 0o700); err != nil {
		return "", err
	}
	for _, d := range all {
		name := d.Head().ObjectName()
		text, err := serving.Encode(d)
		if err != nil {
			return "", fmt.Errorf("encoding %s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(stateDir, name+".json"), text, 0o600); err != nil {
			return "", err
		}
	}
	return stateDir, nil
}

func newDocuments(created time.Time) ([]serving.Document, error) {
	head := func(kind serving.Kind, name string) serving.Header {
		return serving.Header{Format: serving.Format, Kind: kind, Namespace: "payments", Name: name, Generation: 1}
	}
	privateKey, err := newPrivateKey()
	if err != nil {
		return nil, err
	}
	gateway := &serving.Gateway{
		Header: head(serving.KindGateway, "acme"), GatewayID: gatewayID, Issuer: issuer, AccessTokenSeconds: tokenSeconds,
		AuthMethods: []serving.AuthMethod{serving.ClientSecretBasic}, TokenEndpoints: []serving.TokenEndpoint{{Path: tokenPath, Dialect: serving.DialectEcom}},
		SigningKeys: []string{keyID},
		Delivery: &serving.Destination{
			URL: "https://vault.acme.example/d1/notifications", TimeoutSeconds: 10, MaxInFlight: 10,
			Retry: serving.Retry{MaxAgeHours: 72, InitialSeconds: 1, MaxSeconds: 3600}, SigningSecrets: []string{"acme-delivery-1"},
		},
	}
	for i := range merchants {
		gateway.Merchants = append(gateway.Merchants, serving.Merchant{ID: merchantID(i)})
	}
	return []serving.Document{
		gateway,
		&serving.GatewaySecrets{
			Header:         head(serving.KindGatewaySecrets, "acme"),
			SigningKeys:    []serving.SigningKey{{ID: keyID, Algorithm: serving.ES256, PrivateKey: privateKey, CreatedAt: created, SignsFrom: created}},
			SigningSecrets: []serving.SigningSecret{{ID: "acme-delivery-1", Secret: serving.NewSecret("whsec_" + base64.StdEncoding.EncodeToString([]byte(rand.Text() + rand.Text()))[:32])}},
		},
		&serving.Client{
			Header: head(serving.KindClient, "acme-d1"), Gateway: "acme", ClientID: clientID, Scopes: []string{serving.NotifyScope}, TokensNotBefore: created,
			Credentials: []serving.Credential{{ID: "first", Digest: serving.DigestSecret(clientSecret), CreatedAt: created}},
		},
	}, nil
}

// newPrivateKey is a key for ES256 in PKCS #8 and PEM.
func newPrivateKey() (serving.Secret, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return serving.Secret{}, fmt.Errorf("generating a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return serving.Secret{}, fmt.Errorf("encoding a key: %w", err)
	}
	return serving.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))), nil
}
