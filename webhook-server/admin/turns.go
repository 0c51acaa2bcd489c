package admin

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
)

// turns bounds how many requests of a kind are under way at once: in all, and of one caller, so that nobody takes all of them. A few more of each caller wait.
type turns struct {
	places chan struct{}
	turnBounds

	mu     sync.Mutex
	queues map[who]*queue
}

type turnBounds struct {
	atOnce, ofCaller int
	// waiting is how many more of a caller wait, and patience for how long.
	waiting  int
	patience time.Duration
}

// What reads much of the store leaves room for deliveries: their look-ups share its connections with PostgreSQL, and the processor with an embedded one.
var (
	searchTurns = turnBounds{atOnce: 2, ofCaller: 1, waiting: 8, patience: 15 * time.Second}
	replayTurns = turnBounds{atOnce: 2, ofCaller: 1, waiting: 2, patience: 2 * time.Second}
	lookUpTurns = turnBounds{atOnce: 4, ofCaller: 2, waiting: 16, patience: 10 * time.Second}
)

var errBusy = refused(http.StatusServiceUnavailable, "too many requests search the store: ask again")

func newTurns(b turnBounds) *turns {
	return &turns{turnBounds: b, places: make(chan struct{}, b.atOnce), queues: map[who]*queue{}}
}

// who shares the turns of one caller.
type who struct {
	name    string
	trusted bool
}

// whoIs takes the service accounts of a namespace for one caller: whoever makes one there makes many.
func whoIs(c Caller) who {
	if account, ok := strings.CutPrefix(c.Name, "system:serviceaccount:"); ok && !c.trusted {
		namespace, _, _ := strings.Cut(account, ":")
		return who{name: "system:serviceaccount:" + namespace}
	}
	return who{c.Name, c.trusted}
}

// queue holds the places of one caller.
type queue struct {
	places   chan struct{}
	requests int // that have a place or wait
}

// take waits for a turn and answers what ends it. It fails with errBusy, or because the caller has left.
func (t *turns) take(ctx context.Context, c Caller) (end func(), err error) {
	caller := whoIs(c)
	q := t.enter(caller)
	if q == nil {
		return nil, errBusy
	}
	patience, cancel := context.WithTimeout(ctx, t.patience)
	defer cancel()
	if !enter(patience, q.places) {
		t.leave(caller)
		return nil, busyOr(ctx)
	}
	if !enter(patience, t.places) {
		<-q.places
		t.leave(caller)
		return nil, busyOr(ctx)
	}
	return func() {
		<-t.places
		<-q.places
		t.leave(caller)
	}, nil
}

// enter answers the caller's queue, or nil when it is long already. Those who may do everything share with nobody: they could stop deliveries anyway.
func (t *turns) enter(caller who) *queue {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.queues[caller]
	if q == nil {
		share := t.ofCaller
		if caller.trusted {
			share = t.atOnce
		}
		q = &queue{places: make(chan struct{}, share)}
		t.queues[caller] = q
	}
	if q.requests >= cap(q.places)+t.waiting {
		return nil
	}
	q.requests++
	return q
}

func (t *turns) leave(caller who) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.queues[caller].requests--; t.queues[caller].requests == 0 {
		delete(t.queues, caller)
	}
}

// enter takes a place. Go hands places to those who wait in the order in which they came.
func enter(ctx context.Context, places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func busyOr(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return errBusy
}
