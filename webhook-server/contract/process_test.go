package contract_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/hack/merchant/merchant"
	"github.com/d1gateway/d1gateway/webhook-server/app"
	"github.com/d1gateway/d1gateway/webhook-server/internal/running"
)

// asServer names the directory of serving documents of a server that a test runs as a process of its own.
const asServer = "D1GATEWAY_CONTRACT_SERVER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asServer); dir != "" {
		serve(dir)
	}
	// Most of these tests wait for something, so more of them at once than there are processors.
	flag.Parse()
	if err := flag.Set("test.parallel", "24"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// serve runs the server until it is killed. The store lies beside the directory.
func serve(dir string) {
	server, err := app.New(context.Background(), running.Options(dir, filepath.Join(dir, "store.db"), slog.DiscardHandler))
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	server.Start()
	_, _ = fmt.Println(server.Addr())
	select {}
}

// process is a server that can be killed.
type process struct {
	cmd *exec.Cmd
	url string
}

func launch(t *testing.T, dir string) process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env, cmd.Stderr = append(os.Environ(), asServer+"="+dir), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := process{cmd: cmd}
	t.Cleanup(p.kill)
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server did not start: %v", err)
	}
	p.url = "http://" + strings.TrimSpace(address)
	return p
}

// kill ends the process by SIGKILL; a second call does nothing.
func (p process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func (p process) send(t *testing.T, r running.Request) (status int, token string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), r.Method, p.url+r.Path, strings.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = r.Header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var body struct {
		AccessToken string `json:"access_token"`
	}
	_ = json.NewDecoder(response.Body).Decode(&body) // a 204 has none
	return response.StatusCode, body.AccessToken
}

func testSIGKILL(t *testing.T, _ *site) {
	// The world is only where the documents and the backend come from.
	w := running.Start(t, nil)
	backend := w.Documents.Gateway.Delivery.URL
	w.Documents.Gateway.Delivery.URL = "http://127.0.0.1:9/nobody-listens"
	w.Stop()
	w.Write()
	tokens := map[string]bool{}
	for round := range 3 {
		p := launch(t, w.Dir)
		_, token := p.send(t, running.T0())
		for i := range 5 {
			id := fmt.Sprintf("killed_%d_%d", round, i)
			tokens[id] = true
			if status, _ := p.send(t, running.N0(token).WithToken(id)); status != http.StatusNoContent {
				t.Fatalf("answer %d", status)
			}
		}
		p.kill()
	}
	w.Documents.Gateway.Delivery.URL = backend
	w.Write()
	launch(t, w.Dir)
	timeout := time.After(20 * time.Second)
	for len(tokens) > 0 {
		select {
		case d := <-w.Backend.Deliveries:
			if d.Outcome != merchant.Accepted && d.Outcome != merchant.Duplicate {
				t.Fatalf("delivery %+v", d)
			}
			delete(tokens, d.Event.Subject)
		case <-timeout:
			t.Fatalf("not delivered: %v", tokens)
		}
	}
}
