package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/hack/merchant/merchant"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
)

const asServer = "D1GATEWAY_TEST_AS_SERVER"

// TestMain runs the server itself when a test starts this program as a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// process is a server in a process of its own.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	d1  string
	err bytes.Buffer
}

// launch starts the server and waits until it listens.
func launch(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.CommandContext(t.Context(), os.Args[0], args...)}
	p.cmd.Env = append(os.Environ(), asServer+"=1")
	out, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	lines := bufio.NewScanner(io.TeeReader(out, &p.err))
	listening := 0
	for listening < 3 && lines.Scan() {
		var line struct{ Msg, For, Address string }
		if json.Unmarshal(lines.Bytes(), &line) != nil || line.Msg != "listening" {
			continue
		}
		listening++
		if line.For == "D1" {
			p.d1 = "http://" + line.Address
		}
	}
	if listening < 3 {
		t.Fatalf("the server did not start: %s", p.err.String())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return p
}

// wait answers the exit status.
func (p *process) wait() int {
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// state writes the base documents, delivered to backend, and answers the flags that serve them.
func state(t *testing.T, backend string) []string {
	t.Helper()
	dir, w := t.TempDir(), fixture.New(t)
	w.Gateway.Delivery.URL = backend
	w.Client.TokensNotBefore = time.Time{}
	for _, d := range []api.Document{w.Gateway, w.Secrets, w.Client} {
		data, err := api.Encode(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, d.Head().ObjectName()+".json"), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{
		"--state-dir", dir, "--store", "sqlite:" + filepath.Join(t.TempDir(), "store.db"), "--insecure-http", "--delivery-allow-cidr", "127.0.0.0/8",
		"--d1-bind-address", "127.0.0.1:0", "--metrics-bind-address", "127.0.0.1:0", "--admin-bind-address", "127.0.0.1:0",
	}
}

func post(t *testing.T, url, authorization, contentType string, body io.Reader) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", authorization)
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, text
}

func (p *process) token() string {
	p.t.Helper()
	status, body := post(p.t, p.d1+fixture.TokenPath, fixture.Basic, "application/x-www-form-urlencoded", strings.NewReader("grant_type=client_credentials"))
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
		p.t.Fatalf("no token: %d %s", status, body)
	}
	return "Bearer " + answer.AccessToken
}

func (p *process) notify(token, tokenID string) int {
	p.t.Helper()
	path := strings.Replace(fixture.NotifyPath, fixture.TokenID, tokenID, 1)
	status, _ := post(p.t, p.d1+path, token, "application/json", strings.NewReader(`{"updateType":"CARD_UPDATE"}`))
	return status
}

func TestWhatWasAnswered204SurvivesASIGKILL(t *testing.T) {
	received := make(chan merchant.Delivery, 64)
	handler, err := merchant.New(merchant.Options{Secrets: []string{fixture.DeliverySecret}, OnDelivery: func(d merchant.Delivery) { received <- d }})
	if err != nil {
		t.Fatal(err)
	}
	// The backend cannot be reached while the first server lives, so that everything still waits when it is killed.
	backend := httptest.NewUnstartedServer(handler)
	flags := state(t, "http://"+backend.Listener.Addr().String()+"/d1")
	const count = 20
	first := launch(t, flags...)
	token := first.token()
	for i := range count {
		if status := first.notify(token, fmt.Sprintf("tok_%d", i)); status != http.StatusNoContent {
			t.Fatalf("answer %d", status)
		}
	}
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	first.wait()

	backend.Start()
	t.Cleanup(backend.Close)
	second := launch(t, flags...)
	tokens := map[string]bool{}
	timeout := time.After(30 * time.Second)
	for len(tokens) < count {
		select {
		case d := <-received:
			if d.Outcome != merchant.Accepted && d.Outcome != merchant.Duplicate {
				t.Fatalf("delivery %+v", d)
			}
			tokens[d.Event.Subject] = true
		case <-timeout:
			t.Fatalf("only %d of %d were delivered", len(tokens), count)
		}
	}
	if status := second.notify(second.token(), "tok_after"); status != http.StatusNoContent {
		t.Errorf("answer after the restart %d", status)
	}
}

func TestASIGTERMLetsTheRequestUnderWayFinishAndExitsWith0(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	t.Cleanup(backend.Close)
	p := launch(t, state(t, backend.URL)...)
	token := p.token()
	body, feed := io.Pipe()
	answered := make(chan int, 1)
	go func() {
		status, _ := post(t, p.d1+fixture.NotifyPath, token, "application/json", body)
		answered <- status
	}()
	// The first half of the body is taken once the request is under way.
	if _, err := feed.Write([]byte(`{"updateType":`)); err != nil {
		t.Fatal(err)
	}
	eventuallyListening(t, p, true)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventuallyListening(t, p, false)
	if _, err := feed.Write([]byte(`"CARD_UPDATE"}`)); err != nil {
		t.Fatal(err)
	}
	if err := feed.Close(); err != nil {
		t.Fatal(err)
	}
	if status := <-answered; status != http.StatusNoContent {
		t.Errorf("answer %d", status)
	}
	if status := p.wait(); status != 0 {
		t.Errorf("exit status %d: %s", status, p.err.String())
	}
}

// eventuallyListening waits until new connections are taken, or refused.
func eventuallyListening(t *testing.T, p *process, want bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.d1+"/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := c.Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		if (err == nil) == want {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("listening was never %v", want)
		case <-tick.C:
		}
	}
}

func TestAWrongFlagIsOneLineAndExitStatus2(t *testing.T) {
	for _, args := range [][]string{
		{"--no-such-flag"}, {"--delivery-allow-cidr", "nonsense"}, {"--store", "redis:x", "--state-dir", t.TempDir(), "--insecure-http"},
		{"--state-dir", filepath.Join(t.TempDir(), "none"), "--store", "sqlite:x", "--insecure-http"}, {"--log-level", "loud"}, {"serve"},
		{"--state-dir", t.TempDir(), "--store", "sqlite:" + filepath.Join(t.TempDir(), "s.db"), "--tls-cert-file", "none", "--tls-private-key-file", "none", "--d1-bind-address", "127.0.0.1:0", "--metrics-bind-address", "127.0.0.1:0", "--admin-bind-address="},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
		cmd.Env = append(os.Environ(), asServer+"=1")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 2 || bytes.Count(bytes.TrimSpace(out), []byte("\n")) != 0 || len(out) == 0 {
			t.Errorf("%v: %v, %q", args, err, out)
		}
	}
}
