package contract_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// prismTime is how long prism may take to start; a second is usual.
const prismTime = 60 * time.Second

// prismOrder is a proxy that validates what passes by a document.
type prismOrder struct {
	document []byte
	upstream string // scheme, host, port and the base path of the document
}

// prismJudge sends requests through prism, which says in a header of the answer what it finds wrong with request and answer. It is an
// http.RoundTripper: the path decides which proxy is asked, host and port of a request do not matter.
type prismJudge struct {
	routes    map[string]string // path to base URL of a proxy; "" takes the rest
	transport *http.Transport

	mu     sync.Mutex
	seen   map[judged]int
	wrongs []string
}

// judged is an operation with a status that it was answered with.
type judged struct {
	what   string // the token path, or notify-update
	status int
}

// judgeBy starts a proxy for each different order, all at once; they end with the test. The keys are token paths.
func judgeBy(t *testing.T, orders map[string]prismOrder) *prismJudge {
	t.Helper()
	j := &prismJudge{routes: map[string]string{}, transport: &http.Transport{}, seen: map[judged]int{}}
	t.Cleanup(j.transport.CloseIdleConnections)
	running := map[string]func() string{}
	for _, order := range orders {
		if running[order.upstream] == nil {
			running[order.upstream] = startPrism(t, order)
		}
	}
	for path, order := range orders {
		j.routes[path] = running[order.upstream]()
	}
	return j
}

// startPrism answers a function that waits for the proxy and answers its base URL.
func startPrism(t *testing.T, order prismOrder) func() string {
	t.Helper()
	dir := t.TempDir()
	document := filepath.Join(dir, "contract.yaml")
	if err := os.WriteFile(document, order.document, 0o600); err != nil {
		t.Fatal(err)
	}
	prism := filepath.Join(npmModules(t), "node_modules", "@stoplight", "prism-cli", "dist", "index.js")
	watch, err := filepath.Abs(filepath.Join("testdata", "prism", "end-with-test.cjs"))
	if err != nil {
		t.Fatal(err)
	}
	// Without --errors it passes everything on and only tells. Port 0 is one of the kernel's choice.
	command := exec.Command(debianProgram(t, "node"), "--require", watch, prism, "proxy", document, order.upstream, "--host", "127.0.0.1", "--port", "0")
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "NO_COLOR=1"}
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	command.Stderr = command.Stdout
	if err := command.Start(); err != nil {
		t.Fatalf("%v (%s)", err, howToInstall)
	}
	ready := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ready <- listeningURL(output)
		_, _ = io.Copy(io.Discard, output)
		_ = command.Wait()
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL) // the group: prism may have started others
		<-ended
	})
	return sync.OnceValue(func() string { return awaitPrism(t, ready) })
}

func awaitPrism(t *testing.T, ready <-chan string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), prismTime)
	defer cancel()
	select {
	case said := <-ready:
		if !strings.HasPrefix(said, "http://") {
			t.Fatalf("prism does not listen (%s):\n%s", howToInstall, said)
		}
		return said
	case <-ctx.Done():
		t.Fatalf("prism does not listen after %s", prismTime)
		return ""
	}
}

var listening = regexp.MustCompile(`listening on (http://127\.0\.0\.1:[0-9]+)`)

// listeningURL reads what prism prints as far as its URL; without one it is all that prism prints.
func listeningURL(output io.Reader) string {
	var said strings.Builder
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			return found[1]
		}
		said.WriteString(lines.Text() + "\n")
	}
	return "prism said: " + said.String()
}

// RoundTrip sends a request through the proxy for its path.
func (j *prismJudge) RoundTrip(r *http.Request) (*http.Response, error) {
	what, base := r.URL.Path, j.routes[r.URL.Path]
	path := r.URL.EscapedPath()
	if base == "" {
		what, base = path[strings.LastIndexByte(path, '/')+1:], j.routes[""]
	}
	if strings.HasSuffix(path, "/oauth2/token") {
		path = "/oauth2/token" // the proxy knows the base path of its document
	}
	forwarded, err := http.NewRequestWithContext(r.Context(), r.Method, base+path, r.Body)
	if err != nil {
		return nil, fmt.Errorf("building the request: %w", err)
	}
	forwarded.Header, forwarded.ContentLength = r.Header, r.ContentLength
	response, err := j.transport.RoundTrip(forwarded)
	if err != nil {
		return nil, fmt.Errorf("sending through prism: %w", err)
	}
	j.keep(judged{what, response.StatusCode}, response.Header)
	return response, nil
}

func (j *prismJudge) keep(answer judged, header http.Header) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seen[answer]++
	// Prism's own answers, to what the document does not know or when the server is out of reach, are of this type.
	if strings.HasPrefix(header.Get("Content-Type"), "application/problem+json") {
		j.wrongs = append(j.wrongs, fmt.Sprintf("%s: prism itself answers %d", answer.what, answer.status))
	}
	if header.Get("Sl-Violations") == "" {
		return
	}
	var found []struct {
		Location []string `json:"location"`
		Message  string   `json:"message"`
	}
	if err := json.Unmarshal([]byte(header.Get("Sl-Violations")), &found); err != nil {
		j.wrongs = append(j.wrongs, fmt.Sprintf("%s: sl-violations cannot be read: %v", answer.what, err))
	}
	for _, v := range found {
		if len(v.Location) > 0 && v.Location[0] == "response" {
			j.wrongs = append(j.wrongs, fmt.Sprintf("%s answered %d: %s: %s", answer.what, answer.status, strings.Join(v.Location, "."), v.Message))
		}
	}
}

// violations are those of the answers; a request may be as wrong as the test wants it.
func (j *prismJudge) violations() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.wrongs...)
}

func (j *prismJudge) count(answer judged) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seen[answer]
}
