package cli_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin"
	"github.com/d1gateway/d1gateway/webhook-server/cli"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
)

var start = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

const (
	shopLane  = "payments/acme/MGW_000001"
	ownLane   = "payments/acme/MGW_000001/40010000001"
	fileToken = "administration-token-of-a-test-only"
)

// world is a server with a store, and somebody who types.
type world struct {
	t           *testing.T
	store       *sqlite.Store
	path        string // of the store
	tokenFile   string
	environment map[string]string
	interactive bool
	typed       string
	now         time.Time
	ids         int
	calls       func(http.ResponseWriter, *http.Request) bool // answers in place of the server, when it says so
}

func serve(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: start, tokenFile: filepath.Join(t.TempDir(), "token")}
	if err := os.WriteFile(w.tokenFile, []byte(fileToken+"\nthe-former-administration-token-of-it\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.path = filepath.Join(t.TempDir(), "s.db")
	var err error
	w.store, err = sqlite.Open(t.Context(), sqlite.Options{Path: w.path, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.store.Close() })
	handler, err := admin.NewHandler(admin.Options{
		Store: w.store, Lanes: func() []string { return []string{shopLane, ownLane} }, TokenFiles: []string{w.tokenFile},
		Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return w.now },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.calls != nil && w.calls(rw, r) {
			return
		}
		handler.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.environment = map[string]string{"D1GATEWAY_ADMIN": server.URL, "D1GATEWAY_ADMIN_TOKEN_FILE": w.tokenFile}
	return w
}

// add accepts a notification and lets it reach a state by one attempt, and answers its id.
func (w *world) add(lane string, o store.Outcome) string {
	w.t.Helper()
	w.ids++
	n := store.Notification{
		ID: fmt.Sprintf("01939e5c-0000-7000-8000-%012d", w.ids), GatewayID: "MGW_000001", MerchantID: "40010000001", TokenID: fmt.Sprintf("tok_%d", w.ids),
		UpdateType: "CARD_UPDATE", CorrelationID: fmt.Sprintf("c-%d", w.ids), ReceivedAt: w.now, Lane: lane,
	}
	if _, err := w.store.Append(w.t.Context(), n); err != nil {
		w.t.Fatal(err)
	}
	if o.State == "" {
		return n.ID
	}
	claimed, err := w.store.Claim(w.t.Context(), lane, w.now, 1, time.Minute)
	if err != nil || len(claimed) != 1 || claimed[0].ID != n.ID {
		w.t.Fatal(claimed, err)
	}
	w.now = w.now.Add(time.Second)
	o.ID, o.Lease, o.At, o.Took = n.ID, claimed[0].Lease, w.now, 42*time.Millisecond
	if err := w.store.Record(w.t.Context(), o); err != nil {
		w.t.Fatal(err)
	}
	return n.ID
}

// run types a command, and answers what it says and its exit status.
func (w *world) run(args ...string) (out, errs string, status int) {
	w.t.Helper()
	var o, e bytes.Buffer
	status = cli.Run(w.t.Context(), args, cli.Environment{
		In: strings.NewReader(w.typed), Out: &o, Err: &e, Interactive: w.interactive,
		Getenv: func(name string) string { return w.environment[name] }, Now: func() time.Time { return w.now },
	})
	for _, text := range []string{o.String(), e.String()} {
		if strings.Contains(text, fileToken) {
			w.t.Errorf("%v shows the token", args)
		}
	}
	return o.String(), e.String(), status
}

// shows wants a command to be done and to say exactly this.
func (w *world) shows(want string, args ...string) {
	w.t.Helper()
	out, errs, status := w.run(args...)
	if got := strings.TrimSpace(out + errs); status != cli.ExitDone || got != strings.TrimSpace(want) {
		w.t.Errorf("%v: %d\n%s\nwant\n%s", args, status, got, strings.TrimSpace(want))
	}
}

func (w *world) state(id string) store.State {
	w.t.Helper()
	r, err := w.store.Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return r.State
}
