package faults

import (
	"testing"
	"time"
)

// world is a gateway with its documents, D1 on the one side and the merchant on the other. Its servers come and go.
type world struct {
	t         testing.TB
	storage   storage
	secrets   secrets
	documents string
	ledger    *ledger
	backend   *backend
	target    *target
	token     string // D1's access token
}

// newWorld prepares everything but a server. Each delivery takes the merchant as long as delay says.
func newWorld(t testing.TB, s storage, delay time.Duration) *world {
	t.Helper()
	w := &world{t: t, storage: s, secrets: newSecrets(), ledger: newLedger(), target: newTarget()}
	w.backend = startBackend(t, w.secrets.signing, w.ledger, delay)
	w.documents = writeDocuments(t, w.secrets, w.backend.url)
	return w
}

// start starts a server and sends D1 there.
func (w *world) start() *server {
	w.t.Helper()
	s := w.startBeside()
	w.target.point(s.url)
	return s
}

// startBeside starts a server that D1 does not know of.
func (w *world) startBeside() *server {
	w.t.Helper()
	s := startServer(w.t, "--state-dir", w.documents, "--store", w.storage.url, "--insecure-http", "--d1-bind-address", "127.0.0.1:0",
		"--metrics-bind-address", "127.0.0.1:0", "--admin-bind-address", "", "--delivery-allow-cidr", "127.0.0.0/8")
	if w.token == "" {
		w.token = fetchToken(w.t, s.url, w.secrets.client)
	}
	return s
}

// await waits for what must happen soon, and ends the test with what the servers say when it does not.
func (w *world) await(what string, happened <-chan struct{}, servers ...*server) {
	w.t.Helper()
	w.awaitFor(patience, what, happened, servers...)
}

func (w *world) awaitFor(patience time.Duration, what string, happened <-chan struct{}, servers ...*server) {
	w.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-happened:
		return
	case <-timer.C:
	}
	for _, s := range servers {
		s.lives()
		w.t.Logf("the server said last:\n%s", s.lastWords())
	}
	w.t.Fatalf("in %s not: %s; %+v, missing %v", patience, what, w.ledger.now(), w.ledger.lost())
}

const (
	// lease is how long a claim holds: the destination's timeout and half a minute.
	lease = 40 * time.Second
	// quietly is what the short run leaves for what is under way, before it takes the claims that are left for those of a server that is gone.
	quietly = 3 * time.Second
)

// finish waits until everything acknowledged has been delivered. What a server that is gone has claimed is delivered once its lease ends, which the
// short run does not wait for.
func (w *world) finish(servers ...*server) {
	w.t.Helper()
	if w.storage.endLeases != nil && !*soak {
		select {
		case <-w.ledger.complete():
			return
		case <-time.After(quietly):
			w.t.Logf("%d are claimed by nobody: their leases are ended", w.ledger.now().missing)
			w.storage.endLeases()
		}
	}
	w.awaitFor(patience+lease, "everything acknowledged is delivered", w.ledger.complete(), servers...)
}

// wantFewDuplicates expects at most so many, and logs how many there are.
func (w *world) wantFewDuplicates(most int) {
	w.t.Helper()
	got := w.ledger.now()
	w.t.Logf("%d acknowledged, %d delivered, %d of them twice", got.acknowledged, got.delivered, got.duplicates)
	if got.duplicates > most {
		w.t.Errorf("%d duplicates, want at most %d", got.duplicates, most)
	}
}
