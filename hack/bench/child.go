package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// child is one of the measured servers in a process of its own.
type child struct {
	address string

	name     string
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      *bufio.Reader
	problems *tail
}

// startChild starts the named server with an empty directory for its files and waits until it listens. It ends with the session, and
// at once when ctx ends.
func startChild(ctx context.Context, s *session, name string) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	dir, err := os.MkdirTemp(s.dir, name+"-")
	if err != nil {
		return nil, fmt.Errorf("making a directory for %s: %w", name, err)
	}
	c := &child{name: name, problems: new(tail)}
	c.cmd = exec.CommandContext(ctx, program, serveCommand, "-server", name, "-dir", dir, "-profile", s.profilePath(name))
	c.cmd.Stderr = c.problems
	c.cmd.WaitDelay = time.Second
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewReader(out)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	if c.address, err = c.line(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s did not come to listen", name), c.stop())
	}
	s.cleanup(c.stop)
	return c, nil
}

// cpu is the CPU time that the child has used so far.
func (c *child) cpu() (time.Duration, error) {
	if _, err := io.WriteString(c.in, "cpu\n"); err != nil {
		return 0, err
	}
	line, err := c.line()
	if err != nil {
		return 0, err
	}
	used, err := strconv.ParseInt(line, 10, 64)
	return time.Duration(used), err
}

func (c *child) line() (string, error) {
	line, err := c.out.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

// stop ends the child and waits for it. One that does not end by itself is killed.
func (c *child) stop() error {
	killed := time.AfterFunc(2*stopTimeout, func() { _ = c.cmd.Process.Kill() })
	defer killed.Stop()
	_ = c.in.Close() // this is what tells it to stop
	if err := c.cmd.Wait(); err != nil {
		return c.explain(fmt.Errorf("stopping %s: %w", c.name, err))
	}
	return nil
}

// explain adds what the child has said to an error.
func (c *child) explain(err error) error {
	if said := c.problems.String(); said != "" {
		return errors.Join(err, fmt.Errorf("%s said: %s", c.name, said))
	}
	return err
}

// loaded is a side whose rounds send load to a child. The requests are made by whatever requests answers.
func (c *child) loaded(name string, l load, window time.Duration) side {
	l.address, l.cpu, l.window, l.connections = c.address, c.cpu, window, connections
	return side{name: name, round: func(ctx context.Context) (sample, error) {
		s, err := l.run(ctx)
		if err != nil {
			err = c.explain(err)
		}
		return s, err
	}}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 2 << 10

// Write keeps p.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-tailBytes):]
	return len(p), nil
}

// String is the end.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
