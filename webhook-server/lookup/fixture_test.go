package lookup

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/delivery/outbound"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// gateway compiles one gateway with that lookup.
func gateway(t *testing.T, l *api.TokenLookup) *serving.Gateway {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	since := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	head := api.Header{Format: api.Format, Namespace: "payments", Name: "acme", Generation: 1}
	secrets := &api.GatewaySecrets{Header: head, SigningKeys: []api.SigningKey{{
		ID: "k1", Algorithm: api.ES256, CreatedAt: since, SignsFrom: since,
		PrivateKey: api.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))),
	}}}
	if l != nil && l.OAuth != nil {
		secrets.ClientCredentials = []api.ClientCredentials{
			{ID: "right", ClientID: "d1gateway", ClientSecret: api.NewSecret("planted-secret")},
			{ID: "wrong", ClientID: "d1gateway", ClientSecret: api.NewSecret("planted-wrong")},
		}
	}
	doc := &api.Gateway{
		Header: head, GatewayID: "MGW_000001", Issuer: "https://d1.acme.example", AccessTokenSeconds: 900,
		AuthMethods:    []api.AuthMethod{api.ClientSecretBasic},
		TokenEndpoints: []api.TokenEndpoint{{Path: "/oauth2/token", Dialect: api.DialectEcom}},
		SigningKeys:    []string{"k1"}, TokenLookup: l,
	}
	doc.Kind, secrets.Kind = api.KindGateway, api.KindGatewaySecrets
	state := serving.NewState(slog.New(slog.DiscardHandler))
	for _, d := range []api.Document{secrets, doc} {
		encoded, err := api.Encode(d)
		if err != nil {
			t.Fatal(err)
		}
		state.Apply([]serving.Update{{Object: d.Head().ObjectName(), Data: encoded}})
	}
	return state.Snapshot().Gateway("", "MGW_000001")
}

// platform is a platform's look-up service whose status the test sets.
type platform struct {
	*httptest.Server
	status atomic.Int32
	asked  atomic.Int32
	mu     sync.Mutex
	paths  []string
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	p := &platform{}
	p.status.Store(http.StatusOK)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.asked.Add(1)
		p.mu.Lock()
		p.paths = append(p.paths, r.Method+" "+r.URL.RequestURI())
		p.mu.Unlock()
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(int(p.status.Load()))
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *platform) lookup(cache, grace int) *api.TokenLookup {
	return &api.TokenLookup{URL: p.URL + "/tokens/{merchantId}/{tokenId}?t={tokenId}", TimeoutSeconds: 5, CacheSeconds: cache, NewTokenGraceSeconds: grace}
}

// clock is set by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newLookup(t *testing.T, log *bytes.Buffer) (*Lookup, *clock) {
	t.Helper()
	transports := outbound.NewTransports(outbound.Options{Guard: outbound.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
	t.Cleanup(transports.Close)
	c := &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	logger := slog.New(slog.DiscardHandler)
	if log != nil {
		logger = slog.New(slog.NewTextHandler(log, nil))
	}
	return New(Options{Transports: transports, Logger: logger, Now: c.Now}), c
}

func want(t *testing.T, l *Lookup, g *serving.Gateway, token string, answer Answer) {
	t.Helper()
	got, err := l.Token(t.Context(), g, "40010000001", token)
	if err != nil || got != answer {
		t.Fatalf("token %s: %d, %v; want %d", token, got, err, answer)
	}
}
