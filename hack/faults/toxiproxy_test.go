package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/hack/buildtools"
)

// faultProxy is a proxy of toxiproxy in front of an address.
type faultProxy struct {
	t       testing.TB
	api     string // of the proxy itself
	address string // where it listens
}

const proxyPath = "/proxies/database"

// startFaultProxy runs toxiproxy until the test ends. Connections to its address reach upstream.
func startFaultProxy(t testing.TB, upstream string) *faultProxy {
	t.Helper()
	dir, err := buildtools.Toxiproxy(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := &faultProxy{t: t}
	for p.api == "" {
		p.api = startToxiproxy(t, filepath.Join(dir, "toxiproxy"))
	}
	var answer struct{ Listen string }
	p.call(http.MethodPost, "/proxies", map[string]any{"name": "database", "listen": "127.0.0.1:0", "upstream": upstream, "enabled": true}, &answer)
	p.address = answer.Listen
	return p
}

// startToxiproxy answers the URL of its API, or "" when another program was quicker to take the port that was free.
func startToxiproxy(t testing.TB, path string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(freeAddress(t))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, "-host", host, "-port", port) // it is killed by a clean-up, and by the kernel when this program dies
	ended, err := launch(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill() // fails when it has ended
		<-ended
	})
	url := "http://" + net.JoinHostPort(host, port)
	poll, patient := time.NewTicker(10*time.Millisecond), time.After(patience)
	defer poll.Stop()
	for {
		select {
		case <-ended:
			return ""
		case <-patient:
			t.Fatal("toxiproxy does not answer")
		case <-poll.C:
			if isAnswered(t.Context(), url+"/version") {
				return url
			}
		}
	}
}

func isAnswered(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// cut ends every connection and refuses new ones.
func (p *faultProxy) cut() { p.call(http.MethodPost, proxyPath, map[string]any{"enabled": false}, nil) }

// hang keeps the connections and lets nothing through any more, as a network does that drops packets. New ones hang too.
func (p *faultProxy) hang() {
	for _, stream := range []string{"upstream", "downstream"} {
		p.add("timeout", stream, map[string]any{"timeout": 0})
	}
}

// slow delays what the database answers.
func (p *faultProxy) slow(by, jitter time.Duration) {
	p.add("latency", "downstream", map[string]any{"latency": by.Milliseconds(), "jitter": jitter.Milliseconds()})
}

// heal takes all faults away.
func (p *faultProxy) heal() { p.call(http.MethodPost, "/reset", nil, nil) }

func (p *faultProxy) add(kind, stream string, attributes map[string]any) {
	p.call(http.MethodPost, proxyPath+"/toxics", map[string]any{"type": kind, "name": kind + "-" + stream, "stream": stream, "attributes": attributes}, nil)
}

// call asks the API and ends the test unless it agrees.
func (p *faultProxy) call(method, path string, body, answer any) {
	p.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, p.api+path, bytes.NewReader(text))
	if err != nil {
		p.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusBadRequest {
		p.t.Fatalf("%s %s was answered %s", method, path, response.Status)
	}
	if answer == nil {
		return
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		p.t.Fatal(err)
	}
}
