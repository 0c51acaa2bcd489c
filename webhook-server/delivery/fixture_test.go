package delivery_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
)

const gatewayID = "MGW_000001"

// world is a gateway's documents, to be changed and applied.
type world struct {
	t       testing.TB
	state   *serving.State
	gateway api.Gateway
	secrets api.GatewaySecrets
}

// newWorld has one gateway without merchants.
func newWorld(t testing.TB) *world {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	head := api.Header{Format: api.Format, Namespace: "payments", Name: "acme", Generation: 1}
	w := &world{t: t, state: serving.NewState(slog.New(slog.DiscardHandler))}
	w.gateway = api.Gateway{
		Header: head, GatewayID: gatewayID, Issuer: "https://d1.acme.example", AccessTokenSeconds: 900,
		AuthMethods:    []api.AuthMethod{api.ClientSecretBasic},
		TokenEndpoints: []api.TokenEndpoint{{Path: "/oauth2/token", Dialect: api.DialectEcom}},
		SigningKeys:    []string{"k1"},
	}
	w.secrets = api.GatewaySecrets{Header: head}
	w.gateway.Kind, w.secrets.Kind = api.KindGateway, api.KindGatewaySecrets
	since := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	w.secrets.SigningKeys = []api.SigningKey{{
		ID: "k1", Algorithm: api.ES256, CreatedAt: since, SignsFrom: since,
		PrivateKey: api.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))),
	}}
	w.secret("s1", "first signing secret of the tests")
	return w
}

func (w *world) secret(id, raw string) {
	w.secrets.SigningSecrets = append(w.secrets.SigningSecrets, api.SigningSecret{
		ID: id, Secret: api.NewSecret("whsec_" + base64.StdEncoding.EncodeToString([]byte(raw))),
	})
}

// merchantID makes well-formed merchant ids.
func merchantID(i int) string { return fmt.Sprintf("4001%07d", i) }

// laneOf is the lane of a merchant with a destination of its own.
func laneOf(merchant string) string { return defaultLane + "/" + merchant }

// defaultLane is that of the merchants that have none.
const defaultLane = "payments/acme/" + gatewayID

// destination is one with few limits.
func destination(url string) *api.Destination {
	return &api.Destination{
		URL: url, TimeoutSeconds: 10, MaxInFlight: 10, SigningSecrets: []string{"s1"},
		Retry: api.Retry{MaxAgeHours: 72, InitialSeconds: 1, MaxSeconds: 3600},
	}
}

// merchant gives a merchant its own destination.
func (w *world) merchant(id string, d *api.Destination) {
	w.gateway.Merchants = slices.DeleteFunc(w.gateway.Merchants, func(m api.Merchant) bool { return m.ID == id })
	w.gateway.Merchants = append(w.gateway.Merchants, api.Merchant{ID: id, Delivery: d})
	slices.SortFunc(w.gateway.Merchants, func(a, b api.Merchant) int { return strings.Compare(a.ID, b.ID) })
}

// apply serves the documents as they are now.
func (w *world) apply() {
	w.t.Helper()
	var updates []serving.Update
	for _, d := range []api.Document{&w.secrets, &w.gateway} {
		encoded, err := api.Encode(d)
		if err != nil {
			w.t.Fatal(err)
		}
		updates = append(updates, serving.Update{Object: d.Head().ObjectName(), Data: encoded})
	}
	w.state.Apply(updates)
	if problems := w.state.Problems(); len(problems) > 0 {
		w.t.Fatal(problems[0].Err)
	}
}

// served answers a merchant's destination as it is served.
func (w *world) served(merchant string) *serving.Destination {
	return w.state.Snapshot().Gateway("", gatewayID).Destination(merchant)
}

func openStore(t testing.TB) store.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), sqlite.Options{Path: filepath.Join(t.TempDir(), "store.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// notification is received now.
func notification(id, merchant string) store.Notification {
	return store.Notification{
		ID: id, GatewayID: gatewayID, MerchantID: merchant, TokenID: "tok_1", UpdateType: "TOKEN_STATE_CHANGE",
		CorrelationID: "c-1", ReceivedAt: time.Now(), Lane: laneOf(merchant),
	}
}

func appendAll(t testing.TB, s store.Store, all ...store.Notification) {
	t.Helper()
	var group sync.WaitGroup
	for chunk := range slices.Chunk(all, max(1, len(all)/1000)) {
		group.Go(func() {
			for _, n := range chunk {
				if _, err := s.Append(context.Background(), n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// attempter is a destination that answers as the function says; it keeps when it was asked.
type attempter struct {
	answer func(ctx context.Context, n store.Notification) delivery.Verdict

	mu       sync.Mutex
	attempts []attempt
	underWay map[string]int // by merchant
	most     map[string]int
}

type attempt struct {
	id, merchant string
	at           time.Time
}

func newAttempter(answer func(context.Context, store.Notification) delivery.Verdict) *attempter {
	return &attempter{answer: answer, underWay: map[string]int{}, most: map[string]int{}}
}

func (a *attempter) Attempt(ctx context.Context, n store.Notification, _ string, _ *serving.Destination) delivery.Verdict {
	a.mu.Lock()
	a.attempts = append(a.attempts, attempt{n.ID, n.MerchantID, time.Now()})
	a.underWay[n.MerchantID]++
	a.most[n.MerchantID] = max(a.most[n.MerchantID], a.underWay[n.MerchantID])
	answer := a.answer
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.underWay[n.MerchantID]--
	}()
	return answer(ctx, n)
}

// of answers the attempts of one merchant.
func (a *attempter) of(merchant string) []attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(a.attempts), func(x attempt) bool { return x.merchant != merchant })
}

func (a *attempter) mostOf(merchant string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.most[merchant]
}

// after answers a verdict after that long, or Stopped when the attempt is cancelled before.
func after(ctx context.Context, wait time.Duration, v delivery.Verdict) delivery.Verdict {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return v
	case <-ctx.Done():
		return delivery.Verdict{Reason: delivery.Stopped}
	}
}

// start runs a dispatcher until the test ends.
func start(t testing.TB, o delivery.Options) *delivery.Dispatcher {
	t.Helper()
	if o.Logger == nil {
		o.Logger = discard()
	}
	if o.FollowInterval == 0 {
		o.FollowInterval = time.Minute // each look reads the file: a day in a test has many seconds
	}
	d := delivery.New(o)
	d.Start()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // at once
		_ = d.Stop(ctx)
	})
	return d
}

func record(t testing.TB, s store.Store, id string) store.Record {
	t.Helper()
	r, err := s.Get(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
