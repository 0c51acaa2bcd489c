package running

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
)

// Another adds the documents of a second gateway and client, on the same hosts and paths. They are served after the next Write or Publish.
func (w *World) Another(name, gatewayID, clientID string) *fixture.World {
	w.tb.Helper()
	other := w.Documents.Another(name, gatewayID, clientID)
	other.Gateway.Delivery.URL = w.Backend.URL
	w.others = append(w.others, other)
	return other
}

// DocumentsOf answers the documents of a gateway, or ends the test.
func (w *World) DocumentsOf(gatewayID string) *fixture.World {
	w.tb.Helper()
	for _, all := range append([]*fixture.World{w.Documents}, w.others...) {
		if all.Gateway.GatewayID == gatewayID {
			return all
		}
	}
	w.tb.Fatalf("there is no gateway %s", gatewayID)
	return nil
}

// AnotherClient adds a client of the gateway of these documents, w.Documents or what Another answered, with the secret of the base client.
// It is served after the next Write or Publish.
func (w *World) AnotherClient(of *fixture.World, clientID string) *api.Client {
	w.tb.Helper()
	client := *of.Client
	client.Name, client.ClientID = strings.ToLower(strings.ReplaceAll(clientID, "_", "-")), clientID
	w.beside = append(w.beside, &client)
	return &client
}

// RequireClientCertificate makes the gateway of the base documents ask for a client certificate of that authority with one of the
// subjects; none means any subject. It is served after the next Write or Publish.
func (w *World) RequireClientCertificate(ca *Authority, subjects ...string) {
	w.Documents.Secrets.CABundles = []api.CABundle{{ID: "client-ca", PEM: ca.PEM()}}
	rules := &api.ClientCertificate{CABundle: "client-ca"}
	rules.Subjects = subjects
	w.Documents.Gateway.ClientCertificate = rules
}

// Write puts all documents into the directory, each in one step, and does not wait for the server.
func (w *World) Write() {
	w.tb.Helper()
	for _, all := range append([]*fixture.World{w.Documents}, w.others...) {
		for _, d := range []api.Document{all.Secrets, all.Gateway, all.Client} {
			w.WriteDocument(d)
		}
	}
	for _, client := range w.beside {
		w.WriteDocument(client)
	}
}

// WriteDocument puts one document into the directory and does not wait for the server.
func (w *World) WriteDocument(d api.Document) {
	w.tb.Helper()
	data, err := api.Encode(d)
	if err != nil {
		w.tb.Fatalf("encoding %s: %v", d.Head().ObjectName(), err)
	}
	// A name that begins with a dot is not read, so the server never sees half a document.
	partial := filepath.Join(w.Dir, ".partial-"+rand.Text())
	if err := os.WriteFile(partial, data, 0o600); err != nil {
		w.tb.Fatal(err)
	}
	if err := os.Rename(partial, w.Path(d)); err != nil {
		w.tb.Fatal(err)
	}
}

// Remove takes a document out of the directory and does not wait for the server. Write would put it back.
func (w *World) Remove(d api.Document) {
	w.tb.Helper()
	if err := os.Remove(w.Path(d)); err != nil {
		w.tb.Fatal(err)
	}
}

// Path is the file of a document.
func (w *World) Path(d api.Document) string {
	return filepath.Join(w.Dir, d.Head().ObjectName()+".json")
}

// Publish writes all documents and returns when the server serves them, which takes up to a second.
func (w *World) Publish() {
	w.tb.Helper()
	w.Write()
	w.AwaitServed()
}

// AwaitServed returns when the server has read everything that was written or removed before. All documents must be good ones.
//
// Each look of the server at the directory applies what it found all at once, so it is enough to make one more change that can be seen,
// and to wait for that: the number of gateways served.
func (w *World) AwaitServed() {
	w.tb.Helper()
	before := w.servedGateways()
	if w.writtenGateways() == before {
		w.beacon.toggle(w)
	}
	want := w.writtenGateways()
	w.Eventually("what was written is not served", func() bool { return w.servedGateways() == want })
}

// beacon is a gateway on a host that nobody calls.
type beacon struct {
	documents *fixture.World
	lit       bool
}

func (b *beacon) toggle(w *World) {
	w.tb.Helper()
	if b.documents == nil {
		b.documents = w.Documents.Another("beacon", "BEACON_001", "beacon")
		b.documents.Gateway.Hostnames = []string{"beacon.invalid"}
		w.WriteDocument(b.documents.Secrets)
	}
	if b.lit {
		w.Remove(b.documents.Gateway)
	} else {
		w.WriteDocument(b.documents.Gateway)
	}
	b.lit = !b.lit
}

func (w *World) writtenGateways() int {
	w.tb.Helper()
	found, err := filepath.Glob(filepath.Join(w.Dir, "gateway.*.json"))
	if err != nil {
		w.tb.Fatal(err)
	}
	return len(found)
}

func (w *World) servedGateways() int {
	w.tb.Helper()
	n, err := strconv.Atoi(w.Metric("d1gateway_serving_gateways"))
	if err != nil {
		w.tb.Fatal(err)
	}
	return n
}

// Metric is the value of one series as the metrics page shows it, or "" when it is not there. The series is given as it stands on the
// page, labels included: `d1gateway_token_requests_total{gateway="",outcome="not_ready"}`.
func (w *World) Metric(series string) string {
	w.tb.Helper()
	for line := range strings.Lines(w.get(w.MetricsURL("/metrics"))) {
		if value, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), series+" "); ok {
			return value
		}
	}
	return ""
}
