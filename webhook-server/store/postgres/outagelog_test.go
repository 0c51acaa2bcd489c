package postgres

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// lines counts what is logged, by its message.
type lines struct {
	slog.Handler
	mu    sync.Mutex
	count map[string]int
}

func (l *lines) Enabled(context.Context, slog.Level) bool { return true }

func (l *lines) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count[r.Message]++
	return nil
}

func (l *lines) want(t *testing.T, cannot, again int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count["store cannot write"] != cannot || l.count["store writes again"] != again {
		t.Errorf("logged %v, want %d and %d", l.count, cannot, again)
	}
}

// clock is set by the test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// On a full disk updates may still find room while inserts do not.
func TestAnOutageIsToldOfOnceHoweverManyCommitsFail(t *testing.T) {
	log, clock := &lines{Handler: slog.DiscardHandler, count: map[string]int{}}, &clock{now: began()}
	s := openImpatient(t, Options{URL: server.Database(t), Logger: slog.New(log), Now: clock.Now})
	mustAppend(t, s, due("msg_1", "a/b/c"))
	for outage := range 2 {
		execute(t, s, `CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$;
			CREATE TRIGGER full_disk BEFORE INSERT ON notification FOR EACH STATEMENT EXECUTE FUNCTION full_disk()`)
		for range 5 {
			clock.pass(calm / 2)
			if _, err := s.Append(t.Context(), due("msg_2", "a/b/c")); err == nil {
				t.Fatal("a full disk took it")
			}
			d := claimOne(t, s, "a/b/c", clock.Now())
			o := store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Waiting, Reason: "timeout", At: clock.Now(), NextAttempt: clock.Now()}
			if err := s.Record(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		log.want(t, outage+1, outage)
		execute(t, s, "DROP TRIGGER full_disk ON notification")
		for _, wait := range []time.Duration{calm - 1, 1, 1} {
			clock.pass(wait)
			if err := s.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		log.want(t, outage+1, outage+1)
	}
}
