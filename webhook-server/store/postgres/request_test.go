package postgres

import (
	"context"
	"errors"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// D1 is not made to wait for a commit that hangs: it sends again what it has no answer to.
func TestACallerIsAnsweredWhenItsTimeIsOverAlthoughTheCommitGoesOn(t *testing.T) {
	q := newRequests[int]()
	committing, answer := make(chan struct{}), make(chan struct{})
	q.serve(func(group []*request[int]) {
		close(committing)
		<-answer
		for _, r := range group {
			r.result <- nil
		}
	}, func() {})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-committing
		cancel()
	}()
	if err := q.do(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("answered %v", err)
	}
	if err := q.do(ctx, 2); !errors.Is(err, context.Canceled) {
		t.Errorf("one whose time had been over was answered %v", err)
	}
	if len(q.queue) != 0 {
		t.Error("it was queued")
	}
	close(answer)
	q.stop()
	if err := q.do(t.Context(), 3); !errors.Is(err, store.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}
