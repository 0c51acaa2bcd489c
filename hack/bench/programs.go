package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/d1gateway/d1gateway/hack/buildtools"
)

const (
	programStart = time.Minute
	// programStop is how long a program may take to end after SIGTERM; the server promises 25 s.
	programStop = 28 * time.Second
)

// buildPrograms builds the operator and the server as `make build` does and answers the directory that holds them.
func buildPrograms(ctx context.Context, s *session) (string, error) {
	root, err := buildtools.Root()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(s.dir, "bin")
	for _, name := range []string{"controllers", "webhook-server"} {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(bin, name), "./"+name)
		build.Dir = root
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
	}
	return bin, nil
}

// program is the operator or the server, as a process of its own.
type program struct {
	name    string
	metrics string // address
	cmd     *exec.Cmd
	said    *tail
	done    chan struct{}
	stopped bool
}

// startProgram starts one whose flag for the metrics' address is --metrics-bind-address. It ends with the session, in a process group of its
// own: Ctrl-C reaches only this program, which stops the others in order.
func startProgram(ctx context.Context, s *session, path string, args ...string) (*program, error) {
	metrics, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	p := &program{name: filepath.Base(path), metrics: metrics, said: new(tail), done: make(chan struct{})}
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), path, append(args, "--metrics-bind-address", metrics)...)
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", p.name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in cmd.ProcessState
		close(p.done)
	}()
	s.cleanup(p.stop)
	return p, nil
}

// stop ends the program, and by force when it does not end by itself.
func (p *program) stop() error {
	if p.stopped {
		return nil
	}
	p.stopped = true
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(programStop):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	if !p.cmd.ProcessState.Success() {
		return p.explain(fmt.Errorf("%s ended with %s", p.name, p.cmd.ProcessState))
	}
	return nil
}

// explain adds what the program has said last to an error.
func (p *program) explain(err error) error {
	return errors.Join(err, fmt.Errorf("%s said last: %s", p.name, p.said))
}

// answers waits until the address answers 200, and fails when the program ends before.
func (p *program) answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, programStart, fmt.Errorf("%s did not become ready", p.name))
	defer cancel()
	for {
		if _, err := fetch(ctx, http.DefaultClient, url); err == nil {
			return nil
		}
		select {
		case <-p.done:
			return p.explain(fmt.Errorf("%s ended by itself", p.name))
		case <-ctx.Done():
			return p.explain(context.Cause(ctx))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// The lines of a program's own metrics.
var (
	residentLine = regexp.MustCompile(`(?m)^process_resident_memory_bytes ([0-9.e+]+)$`)
	cpuLine      = regexp.MustCompile(`(?m)^process_cpu_seconds_total ([0-9.e+]+)$`)
)

// usage is what a program uses of the machine.
type usage struct {
	ResidentMB float64 `json:"residentMB"`
	CPUSeconds float64 `json:"cpuSeconds"`
}

func (p *program) usage(ctx context.Context) (usage, error) {
	text, err := fetch(ctx, http.DefaultClient, "http://"+p.metrics+"/metrics")
	if err != nil {
		return usage{}, fmt.Errorf("reading the metrics of %s: %w", p.name, err)
	}
	u, err := parseUsage(text)
	if err != nil {
		return usage{}, fmt.Errorf("reading the metrics of %s: %w", p.name, err)
	}
	return u, nil
}

func parseUsage(metrics []byte) (u usage, err error) {
	for line, to := range map[*regexp.Regexp]*float64{residentLine: &u.ResidentMB, cpuLine: &u.CPUSeconds} {
		found := line.FindSubmatch(metrics)
		if found == nil {
			return usage{}, errors.New("they do not say what the process uses: they do on Linux only")
		}
		if *to, err = strconv.ParseFloat(string(found[1]), 64); err != nil {
			return usage{}, err
		}
	}
	u.ResidentMB = round(u.ResidentMB/(1<<20), 1)
	return u, nil
}

// fetch answers the content at a URL, and an error unless the answer is 200.
func fetch(ctx context.Context, with *http.Client, url string) (_ []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := with.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s was answered %s", url, response.Status)
	}
	return io.ReadAll(response.Body)
}

// freeAddress answers a port of the loopback interface that was free just now.
func freeAddress(ctx context.Context) (string, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}
