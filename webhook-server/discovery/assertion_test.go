package discovery_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/httpx"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/token/clientauth"
)

// publicKey answers the public part of a signing key.
func publicKey(t *testing.T, k api.SigningKey) crypto.PublicKey {
	t.Helper()
	block, _ := pem.Decode([]byte(k.PrivateKey.Reveal()))
	if block == nil {
		t.Fatal("no PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.(crypto.Signer).Public()
}

// unobserved is a clientauth.Observer that does not look.
type unobserved struct{}

func (unobserved) Authenticated(*serving.Client, string, time.Time)        {}
func (unobserved) AuthenticationFailed(*serving.Client, clientauth.Reason) {}

// signers make a key for each algorithm of client assertions that the field knows.
func signers(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	all := map[string]crypto.Signer{}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, algorithm := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
		all[algorithm] = rsaKey
	}
	for algorithm, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		if all[algorithm], err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	for _, algorithm := range []string{"EdDSA", "Ed25519"} {
		if _, all[algorithm], err = ed25519.GenerateKey(rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestThePromisedAlgorithmsAreThoseInWhichAssertionsAreTaken(t *testing.T) {
	promised := map[string]bool{}
	for _, algorithm := range api.AssertionAlgorithms() {
		promised[algorithm] = true
	}
	for algorithm, key := range signers(t) {
		t.Run(algorithm, func(t *testing.T) {
			if got := takesAssertion(t, algorithm, key); got != promised[algorithm] {
				t.Errorf("an assertion is taken: %v, promised: %v", got, promised[algorithm])
			}
			delete(promised, algorithm)
		})
	}
	if len(promised) > 0 {
		t.Errorf("never tried: %v", promised)
	}
}

// takesAssertion says whether a client with that key authenticates. A key that cannot even be configured does not.
func takesAssertion(t *testing.T, algorithm string, key crypto.Signer) bool {
	t.Helper()
	w := fixture.New(t)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	w.Gateway.AuthMethods = []api.AuthMethod{api.PrivateKeyJWT}
	public := api.PublicKey{
		ID: "key-1", KeyID: "k", PEM: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), CreatedAt: fixture.Now(),
	}
	if !strings.HasPrefix(algorithm, "RS") && !strings.HasPrefix(algorithm, "PS") {
		public.Algorithm = algorithm
	}
	method := jwt.GetSigningMethod(algorithm)
	if algorithm == "Ed25519" { // RFC 9864's name of what the library and the documents know as EdDSA
		public.Algorithm, method = "EdDSA", jwt.SigningMethodEdDSA
	}
	w.Client.Credentials = nil
	w.Client.PublicKeys = []api.PublicKey{public}
	if w.Client.Validate() != nil {
		return false
	}
	w.Publish()
	raw, err := (&jwt.Token{
		Header: map[string]any{"alg": algorithm, "typ": "JWT", "kid": "k"}, Method: method,
		Claims: jwt.MapClaims{"iss": fixture.ClientID, "sub": fixture.ClientID, "aud": fixture.Issuer, "jti": "x", "exp": fixture.Now().Add(time.Minute).Unix()},
	}).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	clients := clientauth.New(clientauth.Options{
		Snapshot: w.State.Snapshot, Ready: w.State.Synced, Now: fixture.Now, Logger: slog.New(slog.DiscardHandler), Observer: unobserved{},
		Source:    func(*http.Request) netip.Addr { return netip.MustParseAddr("192.0.2.1") },
		Anonymous: httpx.NewFair[netip.Addr](1),
	})
	r := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader(url.Values{
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {raw},
	}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, refusal := clients.Authenticate(httptest.NewRecorder(), r, func(s *serving.Snapshot, id string) *serving.Client { return s.ClientOf(w.Compiled(), id) })
	return refusal == ""
}
