package pgtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// shutdown is how a server is asked to end: the signals that postgres knows.
type shutdown syscall.Signal

const (
	fast      = shutdown(syscall.SIGINT)
	immediate = shutdown(syscall.SIGQUIT)
)

// process is a server process.
type process struct {
	os    *os.Process
	ended chan struct{}
	err   error // why it ended; to be read once ended is closed
}

// command is one of PostgreSQL's programs, as the unprivileged user.
func (s *Server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.programs, program), args...) // #nosec G204 -- a program that was looked for
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account.credential}
	endWithParent(cmd.SysProcAttr)
	return cmd
}

// launch starts the server. A thread is kept for as long as the server runs: the kernel ends the server with the thread that started it.
func (s *Server) launch() (*process, error) {
	log, err := os.Create(s.LogFile())
	if err != nil {
		return nil, err
	}
	cmd := s.command(context.Background(), "postgres", "-D", s.data(), "-p", strconv.Itoa(s.port))
	cmd.Stdout, cmd.Stderr = log, log
	p := &process{ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		p.os = cmd.Process
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.ended)
		}
		_ = log.Close() // the server has written to it, not this program
	}()
	return p, <-started
}

// end signals the server and waits until it has ended.
func (p *process) end(how shutdown) {
	_ = p.os.Signal(syscall.Signal(how)) // fails when it has ended, which is what is wanted
	<-p.ended
}
