package sqlite

import (
	"context"
	"sync/atomic"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

type opKind int

const (
	otherOp opKind = iota
	appendOp
	recordOp
)

// op is one request to the writer.
type op struct {
	kind opKind
	// apply runs in the writer, inside a transaction.
	apply func(*writer) error
	// finished, when set, runs in the writer once the outcome is certain: nil means durable.
	finished func(error)

	state  atomic.Int32
	err    error
	result chan error
}

// The states of an op: whoever first moves it away from queued decides whether it runs.
const (
	queued int32 = iota
	taken
	withdrawn
)

// do hands an operation to the writer and waits for its outcome. A context that ends while the operation is still queued withdraws it;
// once it is part of a batch its outcome is awaited, so that the answer is always true.
func (w *writer) do(ctx context.Context, o *op) error {
	o.result = make(chan error, 1)
	select {
	case <-w.stopping: // first, because select takes any case that is ready
		return store.ErrClosed
	default:
	}
	select {
	case w.ops <- o:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stopping:
		return store.ErrClosed
	}
	select {
	case err := <-o.result:
		return err
	case <-ctx.Done():
		return o.withdraw(ctx.Err())
	case <-w.stopped:
		return o.withdraw(store.ErrClosed)
	}
}

// withdraw answers reason when the writer has not taken the operation, else its outcome.
func (o *op) withdraw(reason error) error {
	if o.state.CompareAndSwap(queued, withdrawn) {
		return reason
	}
	return <-o.result
}

// take keeps the operations that nobody has withdrawn; from here on they run.
func take(batch []*op) []*op {
	kept := batch[:0]
	for _, o := range batch {
		if o.state.CompareAndSwap(queued, taken) {
			kept = append(kept, o)
		}
	}
	return kept
}
