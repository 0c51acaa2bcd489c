package running

import (
	"context"
	"crypto/x509/pkix"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/app"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
)

// stopTime is what a server is given to end.
const stopTime = 20 * time.Second

// World is a running server with what is around it.
type World struct {
	// Documents are the base documents: the gateway, its secrets and its client. Change them, then Publish.
	Documents *fixture.World
	// Dir is the directory of serving documents that the server reads.
	Dir string
	// Options start the server; Start's change may set them, and they hold for the next Run.
	Options app.Options
	// Server is nil while it is stopped.
	Server *app.Server
	// Log is everything logged, at level debug.
	Log *Log
	// Backend is where the base documents deliver to.
	Backend *Backend
	// CA issued the server's certificate; nil in plain HTTP.
	CA *Authority

	tb       testing.TB
	others   []*fixture.World
	beside   []*api.Client
	beacon   beacon
	recorder recorder
	judge    judge
	clients  clients
	own      *Client
}

// Start runs a server of D1 in plain HTTP with the base documents. The change, which may be nil, is made before anything is written.
// The server ends with the test.
func Start(tb testing.TB, change func(w *World)) *World {
	tb.Helper()
	return start(tb, nil, change)
}

// StartTLS is Start with TLS; the server's certificate is for localhost and 127.0.0.1, of the authority w.CA.
func StartTLS(tb testing.TB, change func(w *World)) *World {
	tb.Helper()
	return start(tb, NewAuthority(tb, "server CA"), change)
}

func start(tb testing.TB, ca *Authority, change func(w *World)) *World {
	tb.Helper()
	w := &World{Documents: fixture.New(tb), Dir: tb.TempDir(), Log: &Log{}, Backend: NewBackend(tb), CA: ca, tb: tb, judge: newJudge(tb)}
	w.Documents.Gateway.Delivery.URL = w.Backend.URL
	w.Documents.Client.TokensNotBefore = time.Time{}
	w.Options = Options(w.Dir, filepath.Join(tb.TempDir(), "store.db"), slog.NewJSONHandler(w.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.Options.InsecureHTTP = ca == nil
	if ca != nil {
		files := tb.TempDir()
		w.Options.TLSCertFile, w.Options.TLSPrivateKeyFile = filepath.Join(files, "tls.crt"), filepath.Join(files, "tls.key")
		ca.WriteFiles(ca.Leaf(pkix.Name{CommonName: "server"}, time.Now().Add(time.Hour)), w.Options.TLSCertFile, w.Options.TLSPrivateKeyFile)
	}
	if change != nil {
		change(w)
	}
	w.own = w.newOwn()
	w.Write()
	w.Run()
	tb.Cleanup(w.end)
	return w
}

// Options are those of a server in plain HTTP that may deliver to loopback addresses. Store is the path of its store.
func Options(stateDir, store string, log slog.Handler) app.Options {
	return app.Options{
		StateDir: stateDir, Store: "sqlite:" + store,
		D1Address: "127.0.0.1:0", MetricsAddress: "127.0.0.1:0", AdminAddress: "127.0.0.1:0", InsecureHTTP: true,
		DeliveryAllow:         []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		MaxConcurrentRequests: 1024, MaxConnections: 256, MaxConnectionsPerSource: 256, Retention: time.Hour, DeadRetention: time.Hour,
		Logger: slog.New(log), Now: time.Now,
	}
}

// Run starts the server that Stop has ended, on new ports.
func (w *World) Run() {
	w.tb.Helper()
	server, err := app.New(w.tb.Context(), w.Options)
	if err != nil {
		w.tb.Fatal(err)
	}
	w.Server = server
	server.Start()
}

// Stop ends the server; a second call does nothing.
func (w *World) Stop() {
	w.tb.Helper()
	if w.Server == nil {
		return
	}
	w.clients.closeIdle()
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if err := w.Server.Stop(ctx); err != nil {
		w.tb.Errorf("stopping: %v", err)
	}
	w.Server = nil
}

// end looks for what must not be seen, as long as the server can still be asked.
func (w *World) end() {
	if w.Server != nil {
		w.checkNothingLeaked()
	}
	w.Stop()
}

// URL is where D1 calls, without a path.
func (w *World) URL() string {
	if w.CA != nil {
		return "https://" + w.Server.Addr().String()
	}
	return "http://" + w.Server.Addr().String()
}

// MetricsURL is a path of the metrics and health listener, such as "/readyz".
func (w *World) MetricsURL(path string) string {
	return "http://" + w.Server.MetricsAddr().String() + path
}

// AdminURL is a path of the administration API.
func (w *World) AdminURL(path string) string { return "http://" + w.Server.AdminAddr().String() + path }
