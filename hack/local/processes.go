package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// stopTimeout is how long a program may take to end after SIGTERM; the server promises 25 s.
const stopTimeout = 28 * time.Second

// processes are the programs that run beside this one, each with its log in a file.
type processes struct {
	dir   string
	ended chan string // the name of a program that ended before it was told to
	all   *[]process
}

type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

func newProcesses(dir string) processes {
	return processes{dir: dir, ended: make(chan string, 8), all: new([]process)}
}

// start runs a program in a process group of its own, so that Ctrl-C reaches only this program, which stops the others in order.
func (p processes) start(ctx context.Context, path string, args ...string) error {
	name := filepath.Base(path)
	log, err := os.Create(filepath.Join(p.dir, name+".log"))
	if err != nil {
		return fmt.Errorf("making a log for %s: %w", name, err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := errors.Join(cmd.Start(), log.Close()); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	started := process{name: name, cmd: cmd, log: log.Name(), done: make(chan struct{})}
	*p.all = append(*p.all, started)
	go func() {
		_ = cmd.Wait()
		close(started.done)
		p.ended <- name
	}()
	return nil
}

// stop ends the programs, the last one started first, and waits for each.
func (p processes) stop() {
	for i := len(*p.all) - 1; i >= 0; i-- {
		one := (*p.all)[i]
		_ = one.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-one.done:
		case <-time.After(stopTimeout):
			_ = one.cmd.Process.Kill()
			<-one.done
		}
	}
}

// tail is the end of every log, as an error to print when something failed; nil when there is nothing.
func (p processes) tail() error {
	var all error
	if p.all == nil {
		return nil
	}
	for _, one := range *p.all {
		text, err := os.ReadFile(one.log)
		if err != nil || len(text) == 0 {
			continue
		}
		lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
		last := bytes.Join(lines[max(0, len(lines)-8):], []byte("\n"))
		all = errors.Join(all, fmt.Errorf("the end of the log of %s:\n%s", one.name, last))
	}
	return all
}
