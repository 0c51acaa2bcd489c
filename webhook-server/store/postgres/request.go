package postgres

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	// queueLength bounds what waits for a committer; beyond it callers wait for a place, or for the end of their context.
	queueLength = 4096
	// maxBatch bounds what one commit carries, and so how long the first of them waits.
	maxBatch = 512
)

// request is what one caller wants committed.
type request[T any] struct {
	work   T
	state  atomic.Int32
	result chan error
}

// The states of a request: whoever first moves it away from queued decides whether it is committed.
const (
	queued int32 = iota
	taken
	withdrawn
)

// requests is a queue from which committers take groups.
type requests[T any] struct {
	queue    chan *request[T]
	stopping chan struct{}
	stopped  chan struct{}
	running  sync.WaitGroup
}

func newRequests[T any]() *requests[T] {
	return &requests[T]{queue: make(chan *request[T], queueLength), stopping: make(chan struct{}), stopped: make(chan struct{})}
}

// do has a committer do the work and waits for the outcome, or for the end of its context. A request that is still queued then is withdrawn; of one that is part of a
// group the outcome is not known, which the error says.
func (q *requests[T]) do(ctx context.Context, work T) error {
	select {
	case <-q.stopping: // first, because select takes any case that is ready
		return store.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request[T]{work: work, result: make(chan error, 1)}
	select {
	case q.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-q.stopping:
		return store.ErrClosed
	}
	select {
	case err := <-r.result:
		return err
	case <-ctx.Done():
		if r.state.CompareAndSwap(queued, withdrawn) {
			return ctx.Err()
		}
		return r.outcomeOr(fmt.Errorf("the outcome of the commit is not known yet: %w", ctx.Err()))
	case <-q.stopped: // whatever was taken has its outcome
		return r.outcomeOr(store.ErrClosed)
	}
}

// outcomeOr answers the outcome if there is one.
func (r *request[T]) outcomeOr(otherwise error) error {
	select {
	case err := <-r.result:
		return err
	default:
		return otherwise
	}
}

// serve runs a committer until stop. It lets what is queued then commit, and then calls ended.
func (q *requests[T]) serve(commit func(group []*request[T]), ended func()) {
	q.running.Go(func() {
		defer ended()
		group := make([]*request[T], 0, maxBatch)
		for {
			select {
			case first := <-q.queue:
				commit(take(q.gather(append(group[:0], first))))
			case <-q.stopping:
				for group = q.gather(group[:0]); len(group) > 0; group = q.gather(group[:0]) {
					commit(take(group))
				}
				return
			}
		}
	})
}

// stop waits for the committers.
func (q *requests[T]) stop() {
	close(q.stopping)
	q.running.Wait()
	close(q.stopped)
}

// gather adds what else is queued. It yields once, so that the callers whom the last commit has just answered can come back with their next request.
func (q *requests[T]) gather(group []*request[T]) []*request[T] {
	runtime.Gosched()
	for len(group) < maxBatch {
		select {
		case r := <-q.queue:
			group = append(group, r)
		default:
			return group
		}
	}
	return group
}

// take keeps the requests that nobody has withdrawn; from here on they are committed.
func take[T any](group []*request[T]) []*request[T] {
	kept := group[:0]
	for _, r := range group {
		if r.state.CompareAndSwap(queued, taken) {
			kept = append(kept, r)
		}
	}
	return kept
}
