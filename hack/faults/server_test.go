package faults

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds what must happen within seconds, on a busy machine.
const patience = 60 * time.Second

// server is a running webhook-server.
type server struct {
	url   string // where D1 calls
	pid   int
	ended <-chan struct{}

	t   testing.TB
	cmd *exec.Cmd

	mu   sync.Mutex
	said []string // its last warnings and errors
}

// startServer starts the program on ports that the kernel chooses and waits until it listens. It ends with the test at the latest.
func startServer(t testing.TB, args ...string) *server {
	t.Helper()
	s := &server{t: t, cmd: exec.Command(program, args...)} // it is killed by a clean-up, and by the kernel when this program dies
	log, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stderr = write
	s.ended, err = launch(s.cmd)
	if err = errors.Join(err, write.Close()); err != nil {
		t.Fatal(err)
	}
	listening, logEnded := make(chan string, 1), make(chan struct{})
	go func() {
		s.follow(log, listening)
		close(logEnded)
	}()
	s.pid = s.cmd.Process.Pid
	t.Cleanup(s.kill)
	select {
	case s.url = <-listening:
	case <-logEnded:
		t.Fatalf("the server ended by itself; it said last:\n%s", s.lastWords())
	case <-time.After(patience):
		t.Fatalf("the server does not listen; it said last:\n%s", s.lastWords())
	}
	return s
}

// follow reads the log until the program ends, and says when it listens for D1.
func (s *server) follow(log io.ReadCloser, listening chan<- string) {
	defer func() { _ = log.Close() }()
	lines := bufio.NewReaderSize(log, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var entry struct {
			Level, Msg, For, Address string
		}
		switch quiet := bytes.Contains(line, []byte(`"level":"INFO"`)) && !bytes.Contains(line, []byte(`"listening"`)); {
		case quiet:
		case json.Unmarshal(line, &entry) == nil && entry.Msg == "listening":
			if entry.For == "D1" {
				listening <- "http://" + entry.Address
			}
		default:
			s.keep(string(line))
		}
	}
}

func (s *server) keep(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, line)
	s.said = s.said[max(0, len(s.said)-20):]
}

func (s *server) lastWords() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(slices.Compact(slices.Clone(s.said)), "")
}

// kill ends the program at once, as a crash does, and waits until it has gone.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // fails when it has ended
	<-s.ended
}

// stop has the program end in order.
func (s *server) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Errorf("stopping the server: %v", err)
	}
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.t.Fatalf("the server does not stop; it said last:\n%s", s.lastWords())
	}
	if !s.cmd.ProcessState.Success() {
		s.t.Errorf("the server ended with %s; it said last:\n%s", s.cmd.ProcessState, s.lastWords())
	}
}

// lives ends the test unless the program still runs.
func (s *server) lives() {
	s.t.Helper()
	select {
	case <-s.ended:
		s.t.Fatalf("the server ended by itself with %s; it said last:\n%s", s.cmd.ProcessState, s.lastWords())
	default:
	}
}
