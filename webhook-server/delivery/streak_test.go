package delivery_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/delivery"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// waiting stores that many notifications of the merchant.
func waiting(t *testing.T, s store.Store, merchant string, count int) []store.Notification {
	t.Helper()
	all := make([]store.Notification, count)
	for i := range all {
		all[i] = notification(fmt.Sprintf("n-%d", i), merchant)
	}
	appendAll(t, s, all...)
	return all
}

// refusesFirst is a destination that refuses each notification once, taking that long for each answer.
func refusesFirst(answersIn time.Duration) func(context.Context, store.Notification) delivery.Verdict {
	var mu sync.Mutex
	seen := map[string]bool{}
	return func(ctx context.Context, n store.Notification) delivery.Verdict {
		mu.Lock()
		again := seen[n.ID]
		seen[n.ID] = true
		mu.Unlock()
		if again {
			return after(ctx, answersIn, delivered)
		}
		return after(ctx, answersIn, failing)
	}
}

func TestFirstRetriesComeWithinSecondsWhenEachNotificationIsRefusedOnce(t *testing.T) {
	for _, count := range []int{10, 40, 200, 400} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, merchant, s := one(t)
				all := waiting(t, s, merchant, count)
				a := newAttempter(refusesFirst(20 * time.Millisecond))
				seen := &observer{}
				start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a, Observer: seen})
				time.Sleep(2*time.Second + time.Duration(count)*25*time.Millisecond)
				synctest.Wait()
				for _, n := range all {
					if got := record(t, s, n.ID); got.State != store.Delivered || got.Attempts != 2 {
						t.Fatalf("%s is %s after %d attempts", n.ID, got.State, got.Attempts)
					}
				}
				if got := seen.circuits(); got != "" {
					t.Errorf("circuit: %s", got)
				}
			})
		})
	}
}

// A slow backend refuses the first ones for longer than ten seconds, so that the circuit opens: the first probe has to be a retry.
func TestTheFirstProbeFindsABackendThatRefusesEachNotificationOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		all := waiting(t, s, merchant, 300)
		seen := &observer{}
		start(t, delivery.Options{
			Store: s, Snapshot: w.state.Snapshot, Attempter: newAttempter(refusesFirst(500 * time.Millisecond)), Observer: seen,
		})
		time.Sleep(45 * time.Second) // 600 answers of half a second, ten at a time, take 30
		synctest.Wait()
		for _, n := range all {
			if got := record(t, s, n.ID); got.State != store.Delivered || got.Attempts != 2 {
				t.Fatalf("%s is %s after %d attempts", n.ID, got.State, got.Attempts)
			}
		}
		if got := seen.circuits(); got != "open closed " {
			t.Errorf("circuit: %s", got)
		}
	})
}

func TestADeadLaneOpensAfterTenSecondsAndCostsFewAttemptsUntilThen(t *testing.T) {
	for name, test := range map[string]struct {
		verdict       delivery.Verdict
		answersIn     time.Duration
		most          int // attempts until the circuit has opened
		opensNotAfter time.Duration
	}{
		"refused at once": {verdict: failing, most: 520, opensNotAfter: 11 * time.Second},
		"silent for 10 s": {verdict: silent, answersIn: 10 * time.Second, most: 40, opensNotAfter: 21 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, merchant, s := one(t)
				waiting(t, s, merchant, 2000)
				a := newAttempter(func(ctx context.Context, _ store.Notification) delivery.Verdict {
					return after(ctx, test.answersIn, test.verdict)
				})
				d := start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a})
				time.Sleep(test.answersIn + 9*time.Second)
				synctest.Wait()
				if lanes := d.Lanes(); len(lanes) != 1 || lanes[0].Open {
					t.Errorf("before ten seconds of failures: %+v", lanes)
				}
				time.Sleep(test.opensNotAfter - test.answersIn - 9*time.Second)
				synctest.Wait()
				if lanes := d.Lanes(); len(lanes) != 1 || !lanes[0].Open {
					t.Errorf("after %s: %+v", test.opensNotAfter, lanes)
				}
				opened := len(a.of(merchant))
				if opened > test.most {
					t.Errorf("%d attempts until the circuit opened, want at most %d", opened, test.most)
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				if probes := len(a.of(merchant)) - opened; probes < 45 || probes > 70 {
					t.Errorf("%d attempts in the hour after that, want a probe each minute", probes)
				}
			})
		})
	}
}

func TestADestinationThatAcceptsSomethingNowAndThenStaysClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		waiting(t, s, merchant, 500)
		a := newAttempter(nil)
		a.answer = func(ctx context.Context, _ store.Notification) delivery.Verdict {
			if len(a.of(merchant))%50 == 0 {
				return after(ctx, 20*time.Millisecond, delivered)
			}
			return after(ctx, 20*time.Millisecond, failing)
		}
		seen := &observer{}
		start(t, delivery.Options{Store: s, Snapshot: w.state.Snapshot, Attempter: a, Observer: seen})
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if got := seen.circuits(); got != "" {
			t.Errorf("circuit: %s", got)
		}
	})
}

func TestALoggedAttemptSaysHowManySecondsItTook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, merchant, s := one(t)
		waiting(t, s, merchant, 1)
		var logged lockedBuffer
		a := newAttempter(func(ctx context.Context, _ store.Notification) delivery.Verdict {
			return after(ctx, 250*time.Millisecond, failing)
		})
		start(t, delivery.Options{
			Store: s, Snapshot: w.state.Snapshot, Attempter: a, Logger: slog.New(slog.NewJSONHandler(&logged, nil)),
		})
		time.Sleep(900 * time.Millisecond)
		synctest.Wait()
		var line struct{ Seconds float64 }
		if err := json.Unmarshal([]byte(strings.TrimSpace(logged.String())), &line); err != nil {
			t.Fatalf("%v: %s", err, logged.String())
		}
		if line.Seconds != 0.25 {
			t.Errorf("seconds: %v, want 0.25", line.Seconds)
		}
	})
}
