package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// openWith opens a store in a folder of its own and notes its commits.
func openWith(t *testing.T, maxBytes int64) (s *Store, commits func() []store.Commit) {
	t.Helper()
	var mu sync.Mutex
	var all []store.Commit
	s, err := Open(t.Context(), Options{
		Path: filepath.Join(t.TempDir(), "store.db"), MaxBytes: maxBytes, Logger: slog.New(slog.DiscardHandler),
		OnCommit: func(c store.Commit) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, c)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s, func() []store.Commit {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// hold keeps the writer busy until the answered function is called.
func hold(t *testing.T, s *Store) (release func()) {
	t.Helper()
	busy, end := make(chan struct{}), make(chan struct{})
	var held sync.WaitGroup
	held.Go(func() {
		err := s.writer.do(context.Background(), &op{apply: func(*writer) error {
			close(busy)
			<-end
			return nil
		}})
		if err != nil {
			t.Errorf("holding the writer: %v", err)
		}
	})
	<-busy
	return func() {
		close(end)
		held.Wait()
	}
}

// queueAppends starts appends and waits until so many are in the queue.
func queueAppends(t *testing.T, s *Store, ids ...string) (errs func() map[string]error) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	results := map[string]error{}
	before := len(s.writer.ops)
	for _, id := range ids {
		all.Go(func() {
			n := storetest.LoadNotification(1)
			n.ID = id
			_, err := s.Append(context.Background(), n)
			mu.Lock()
			defer mu.Unlock()
			results[id] = err
		})
	}
	waitFor(t, func() bool { return len(s.writer.ops) == before+len(ids) })
	return func() map[string]error {
		all.Wait()
		return results
	}
}

// waitFor polls something that no channel tells.
func waitFor(t *testing.T, reached func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !reached() {
		select {
		case <-deadline:
			t.Fatal("not reached in 10 seconds")
		case <-time.After(100 * time.Microsecond):
		}
	}
}

func TestWhatWaitsDuringACommitSharesTheNext(t *testing.T) {
	s, commits := openWith(t, 0)
	release := hold(t, s)
	errs := queueAppends(t, s, "a", "b", "c", "d", "e")
	release()
	for id, err := range errs() {
		if err != nil {
			t.Errorf("appending %s: %v", id, err)
		}
	}
	got := commits()
	if len(got) != 1 || got[0].Appends != 5 || got[0].Records != 0 || got[0].Err != nil {
		t.Errorf("commits %+v, want one with 5 appends", got)
	}
}

func TestAnOperationThatFailsForItsOwnValuesFailsAlone(t *testing.T) {
	s, commits := openWith(t, 0)
	release := hold(t, s)
	errs := queueAppends(t, s, "a")
	wrong := make(chan error, 1)
	go func() {
		wrong <- s.writer.do(context.Background(), &op{apply: func(w *writer) error {
			_, err := w.exec(w.stmts.insertRun, 0, "id", nil) // slots are NOT NULL, and the run has a row: "a" is inserted by now
			return err
		}})
	}()
	waitFor(t, func() bool { return len(s.writer.ops) == 2 })
	more := queueAppends(t, s, "c")
	release()
	for _, all := range []map[string]error{errs(), more()} {
		for id, err := range all {
			if err != nil {
				t.Errorf("appending %s: %v", id, err)
			}
		}
	}
	if err := <-wrong; err == nil || errors.Is(err, store.ErrFull) {
		t.Errorf("the wrong operation: %v", err)
	}
	for _, id := range []string{"a", "c"} {
		if _, err := s.Get(t.Context(), id); err != nil {
			t.Errorf("getting %s: %v", id, err)
		}
	}
	if got := commits(); len(got) != 1 {
		t.Errorf("commits %+v, want one", got)
	}
}

func TestAnOperationWithdrawnWhileQueuedDoesNotRun(t *testing.T) {
	s, _ := openWith(t, 0)
	release := hold(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	answered := make(chan error)
	go func() {
		_, err := s.Append(ctx, storetest.LoadNotification(1))
		answered <- err
	}()
	waitFor(t, func() bool { return len(s.writer.ops) == 1 })
	cancel()
	if err := <-answered; !errors.Is(err, context.Canceled) { // while the writer is still held
		t.Errorf("appending: %v", err)
	}
	release()
	if list, err := s.List(t.Context(), store.Filter{}); err != nil || len(list) != 0 {
		t.Errorf("listed %d, %v", len(list), err)
	}
}

func TestAWithdrawnOutcomeLeavesTheClaim(t *testing.T) {
	s, _ := openWith(t, 0)
	n := storetest.LoadNotification(1)
	if _, err := s.Append(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	claimed, err := s.Claim(t.Context(), n.Lane, n.ReceivedAt, 1, time.Minute)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("claimed %v, %v", claimed, err)
	}
	outcome := store.Outcome{ID: n.ID, Lease: claimed[0].Lease, State: store.Delivered, At: n.ReceivedAt}
	release := hold(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Record(ctx, outcome); !errors.Is(err, context.Canceled) {
		t.Errorf("recording: %v", err)
	}
	release()
	if err := s.Record(t.Context(), outcome); err != nil {
		t.Errorf("recording again: %v", err)
	}
}

// Under load that never pauses, a checkpoint beside the writer never reaches the end of the log.
func TestTheLogStaysShortUnderSteadyLoad(t *testing.T) {
	s, _ := openWith(t, 0)
	if err := s.writer.do(t.Context(), &op{apply: func(w *writer) error {
		w.progress.every, w.progress.long = 50, 100 // the checkpointer looks only after a signal from the writer
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := storetest.AppendLoad(t.Context(), s, 64, 10_000); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.path + "-wal")
	if err != nil || info.Size() > 4<<20 {
		t.Errorf("the log has %d bytes, %v; want much less than was written", info.Size(), err)
	}
}
