// Package postgres is the engine for several replicas: they share one PostgreSQL database (13 or later) and nothing else.
//
// Appends and outcomes are committed in groups: whatever arrives while a commit is under way shares the next one (no timer), and the database
// has flushed it before anyone is told of it. A claim is a row's lease, so that a replica that dies holds nothing up for longer.
package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Options says which database to use and how.
type Options struct {
	// URL is a connection URL, postgres://user:password@host:port/database?… with libpq's parameters, several hosts included. Unless it says otherwise, a server that
	// takes writes is looked for (target_session_attrs=read-write), and connecting may take 5 s. A store has at most 15
	// connections open, and needs them to be its own session each (ErrSharedSession behind a pooler that hands them out by transaction).
	URL string
	// URLFile, instead of URL, is a file that contains it. It is read again for each new connection, so that a password can be changed while the store is open.
	URLFile string
	// Logger is required.
	Logger *slog.Logger
	// OnCommit, when set, is told of every group commit. It is called by those who commit: from several goroutines, and it must not block.
	OnCommit func(store.Commit)
	// Now is the clock, for durations; time.Now when nil. What is due is decided by the instants that callers name, the age of runs by the database's clock.
	Now func() time.Time
}

// Store is a store.Store on a PostgreSQL database.
type Store struct {
	bounds   bounds
	log      *slog.Logger
	now      func() time.Time
	onCommit func(store.Commit)
	id       string
	lanes    *laneNames
	leases   *leases
	lost     lostClaims
	runs     *runKeeper

	appends, merges *requests[*appending]
	records         *requests[*outcome]
	failing         atomic.Bool // the last commit failed
	outage          outage

	writers *pgxpool.Pool // for those who commit groups
	claims  *pgxpool.Pool // its commits are not waited for: a claim that is lost costs at most a duplicate
	pool    *pgxpool.Pool // for everything else

	searches chan struct{} // as many as may be under way at once

	closeOnce sync.Once
	closing   chan struct{}
}

// Open connects to the database and brings its schema to the present version; replicas may do so at once. Errors: ErrNewerSchema, ErrSharedSession, or whatever the database says.
func Open(ctx context.Context, o Options) (*Store, error) {
	return openWith(ctx, o, defaults)
}

// bounds are how long a store waits for others.
type bounds struct {
	// answer bounds what the server may take for one statement or commit of the hot path, so that a connection that hangs holds nobody up for longer. It is
	// less than D1 is made to wait.
	answer time.Duration
	// search is the same for what may have to read much.
	search time.Duration
	// renew is how often a store says that it still has its open runs; what nobody has renewed for abandoned, by the database's clock, any replica closes.
	renew, abandoned time.Duration
}

// defaults are those of Open.
var defaults = bounds{answer: 6 * time.Second, search: time.Minute, renew: 10 * time.Second, abandoned: 60 * time.Second}

func openWith(ctx context.Context, o Options, b bounds) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{
		bounds: b, log: o.Logger, now: o.Now, onCommit: o.OnCommit, leases: newLeases(), closing: make(chan struct{}),
		appends: newRequests[*appending](), merges: newRequests[*appending](), records: newRequests[*outcome](),
	}
	if err := s.open(ctx, o); err != nil {
		s.closePools()
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	s.runs = newRunKeeper(s)
	s.runs.start()
	s.startInserters()
	s.startRecorders()
	return s, nil
}

func (s *Store) open(ctx context.Context, o Options) error {
	source := source{url: o.URL, file: o.URLFile}
	var err error
	if s.pool, err = source.pool(ctx, searchConnections, durable.prepare); err != nil {
		return err
	}
	if s.writers, err = source.pool(ctx, writerConnections, durable.prepareHot); err != nil {
		return err
	}
	if s.claims, err = source.pool(ctx, claimConnections, soon.prepareHot); err != nil {
		return err
	}
	if err := refusePooler(ctx, s.pool); err != nil {
		return err
	}
	if err := migrate(ctx, s.pool); err != nil {
		return err
	}
	s.searches = make(chan struct{}, max(1, s.pool.Config().MaxConns-1)) // the last connection is for what cannot wait, as following revocations
	s.lanes = newLaneNames(s.pool, s.bounds.answer, s.log)
	if err := s.pool.QueryRow(ctx, "SELECT id::text FROM store").Scan(&s.id); err != nil {
		return fmt.Errorf("reading the store's id: %w", err)
	}
	return s.warnOfFsyncOff(ctx)
}

// warnOfFsyncOff tells the operator of a server that loses what it has acknowledged. It is their server, so it is no error.
func (s *Store) warnOfFsyncOff(ctx context.Context) error {
	var setting string
	if err := s.pool.QueryRow(ctx, "SHOW fsync").Scan(&setting); err != nil {
		return fmt.Errorf("asking for the server's settings: %w", err)
	}
	if setting == "off" {
		s.log.Warn("PostgreSQL runs with fsync off: a crash of its machine loses notifications that were acknowledged")
	}
	return nil
}

// ID implements store.Store.
func (s *Store) ID() string { return s.id }

// Close implements store.Store. It lets what is queued commit and closes the open runs. Claims stay until their leases end.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		close(s.closing)
		s.appends.stop()
		s.merges.stop()
		s.records.stop()
		s.runs.stop()
		s.closePools()
	})
	return nil
}

// bounded bounds a statement that reads and changes little, so that a machine that has vanished without a word holds nobody up.
func (s *Store) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.bounds.answer)
}

// report tells the observer and the log what came of a group.
func (s *Store) report(c store.Commit) {
	failed := c.Err != nil
	if !s.failing.Swap(failed) && failed && sqlState(c.Err) != diskFull {
		s.pool.Reset() // its connections may be gone too
		s.claims.Reset()
	}
	switch {
	case failed && s.outage.failed(s.now()):
		s.log.Error("store cannot write", "error", c.Err)
	case !failed:
		s.tellRecovery()
	}
	c.Err = asStoreError(c.Err)
	if s.onCommit != nil {
		s.onCommit(c)
	}
}

func (s *Store) tellRecovery() {
	if s.outage.worked(s.now()) {
		s.log.Info("store writes again")
	}
}

// closePools waits for what is under way.
func (s *Store) closePools() {
	for _, pool := range []*pgxpool.Pool{s.writers, s.claims, s.pool} {
		if pool != nil {
			pool.Close()
		}
	}
}
