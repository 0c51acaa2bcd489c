// Package pgtest runs a real PostgreSQL server for tests and benchmarks: a directory of its own, one port of 127.0.0.1, and gone with the program that started it.
//
// It needs the server's programs (Debian package postgresql). As root it runs the server as the user postgres, or nobody: PostgreSQL refuses to be root.
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// user is the superuser of the server.
const user = "d1gateway"

// Options say how to run a server.
type Options struct {
	// Dir is where the server's directory is made; os.TempDir() when empty. The user that the server runs as must be able to reach it.
	Dir string
	// Settings are added to postgresql.conf, for example {"shared_buffers": "256MB"}. fsync and synchronous_commit are on unless turned off here.
	Settings map[string]string
}

// Server is a PostgreSQL server. Its methods may be called at once, but for Start, Stop, Kill and Close.
type Server struct {
	programs string // the folder of initdb and postgres
	account  account
	dir      string
	port     int
	password string
	settings map[string]string

	process *process // nil while it is stopped

	mu        sync.Mutex
	databases int
}

// New makes a server and starts it. Close must be called; if the program dies, the kernel ends the server (on Linux).
func New(ctx context.Context, o Options) (*Server, error) {
	programs, err := findPrograms(ctx)
	if err != nil {
		return nil, err
	}
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.Dir, "pgtest-")
	if err != nil {
		return nil, fmt.Errorf("making the server's folder: %w", err)
	}
	s := &Server{programs: programs, account: account, dir: dir, password: rand.Text(), settings: o.Settings}
	if err := s.create(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.startOnFreePort(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

// create makes the data directory.
func (s *Server) create(ctx context.Context) error {
	if err := s.account.own(s.dir); err != nil {
		return err
	}
	passwordFile := filepath.Join(s.dir, "password")
	if err := os.WriteFile(passwordFile, []byte(s.password), 0o600); err != nil {
		return err
	}
	if err := s.account.own(passwordFile); err != nil {
		return err
	}
	initdb := s.command(ctx, "initdb", "-D", s.data(), "-U", user, "--pwfile", passwordFile, "-A", "scram-sha-256",
		"--no-locale", "-E", "UTF8", "--no-sync", "--no-instructions")
	if output, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, output)
	}
	var conf strings.Builder
	fmt.Fprintf(&conf, "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nlogging_collector = off\n")
	for name, value := range s.settings {
		fmt.Fprintf(&conf, "%s = '%s'\n", name, strings.ReplaceAll(value, "'", "''"))
	}
	return appendTo(filepath.Join(s.data(), "postgresql.conf"), conf.String())
}

func appendTo(path, text string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0) // #nosec G304 -- the server's own folder
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

// startOnFreePort tries again on another port when somebody has taken the one that was free a moment ago.
func (s *Server) startOnFreePort(ctx context.Context) (err error) {
	for range 5 {
		if s.port, err = freePort(ctx); err != nil {
			return err
		}
		if err = s.Start(ctx); err == nil || !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err = errors.Join(err, l.Close()); err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// LogFile is where the server writes its log.
func (s *Server) LogFile() string { return filepath.Join(s.dir, "server.log") }

// Address is the server's host:port; it stays over Stop and Start.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// URL names a database of the server, password included.
func (s *Server) URL(database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(user, s.password), Host: s.Address(), Path: "/" + database}
	return u.String()
}

// CreateDatabase makes an empty database and answers its URL.
func (s *Server) CreateDatabase(ctx context.Context) (string, error) {
	s.mu.Lock()
	s.databases++
	name := fmt.Sprintf("d1gateway_%d", s.databases)
	s.mu.Unlock()
	if err := s.Exec(ctx, "postgres", "CREATE DATABASE "+name); err != nil {
		return "", fmt.Errorf("creating a database: %w", err)
	}
	return s.URL(name), nil
}

// Exec runs statements in a database, as the superuser.
func (s *Server) Exec(ctx context.Context, database string, statements ...string) error {
	conn, err := pgx.Connect(ctx, s.URL(database))
	if err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err = conn.Exec(ctx, statement); err != nil {
			break
		}
	}
	return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
}

// Start starts the server, after Stop or Kill, and waits until it answers.
func (s *Server) Start(ctx context.Context) error {
	if s.process != nil {
		return errors.New("the server runs already")
	}
	p, err := s.launch()
	if err != nil {
		return fmt.Errorf("starting postgres: %w", err)
	}
	if err := s.awaitReady(ctx, p); err != nil {
		p.end(immediate)
		return err
	}
	s.process = p
	return nil
}

// errPortTaken says that another program listens on the port.
var errPortTaken = errors.New("the port is taken")

func (s *Server) awaitReady(ctx context.Context, p *process) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		select {
		case <-p.ended:
			log := s.logTail()
			if strings.Contains(log, "Address already in use") {
				return errPortTaken
			}
			return fmt.Errorf("postgres ended: %w: %s", p.err, log)
		case <-ctx.Done():
			return fmt.Errorf("waiting for postgres: %w: %s", ctx.Err(), s.logTail())
		case <-poll.C:
			if s.Exec(ctx, "postgres") == nil {
				return nil
			}
		}
	}
}

// logTail answers the last lines of the server's log.
func (s *Server) logTail() string {
	log, err := os.ReadFile(s.LogFile())
	if err != nil {
		return err.Error()
	}
	lines := slices.Collect(strings.Lines(string(log)))
	return strings.Join(lines[max(0, len(lines)-10):], "")
}

// Stop ends every connection and shuts the server down in order.
func (s *Server) Stop() { s.end(fast) }

// Kill ends the server as a crash does: nothing is written any more, and it recovers from its log when it is started again.
func (s *Server) Kill() { s.end(immediate) }

func (s *Server) end(how shutdown) {
	if s.process != nil {
		s.process.end(how)
		s.process = nil
	}
}

// Close ends the server and removes its files.
func (s *Server) Close() error {
	s.Kill()
	return os.RemoveAll(s.dir)
}
