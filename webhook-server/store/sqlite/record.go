package sqlite

import (
	"context"
	"fmt"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/history"
)

// Record implements store.Store.
func (s *Store) Record(ctx context.Context, out store.Outcome) error {
	if err := checkOutcome(out); err != nil {
		return err
	}
	claim, err := s.queue.startRecording(out.ID, out.Lease, toMillis(out.At))
	if err != nil {
		return fmt.Errorf("recording outcome: %w", err)
	}
	r := claim.after(out)
	o := &op{kind: recordOp}
	o.apply = func(w *writer) error {
		w.changed++
		_, err := w.exec(w.stmts.record, claim.seq(), string(out.State), r.attempts, out.Reason, r.lastAttempt, r.next, r.history)
		if err == nil {
			w.final.add(out.State, 1)
		}
		return err
	}
	o.finished = func(err error) {
		if err == nil {
			s.queue.recorded(claim, out.State, r.attempts, r.next)
		} else {
			s.queue.notRecorded(claim)
		}
	}
	err = s.writer.do(ctx, o)
	if err == nil {
		return nil
	}
	if o.state.Load() != taken {
		s.queue.notRecorded(claim)
	}
	return fmt.Errorf("recording outcome: %w", err)
}

// recording is what an outcome makes of a row.
type recording struct {
	attempts          int
	lastAttempt, next int64
	history           []byte
}

// after answers what the row holds after the outcome. The claim has what it held before, so that the writer need not read it.
func (c *claim) after(out store.Outcome) recording {
	next := toMillis(out.NextAttempt)
	if out.Uncounted && out.State == store.Waiting {
		return recording{c.made, c.lastAttempt, next, c.history}
	}
	attempt := store.Attempt{EndedAt: out.At, Took: out.Took, Reason: out.Reason, Status: out.Status}
	return recording{c.made + 1, toMillis(out.At), next, history.Append(c.history, attempt)}
}

// checkOutcome refuses what would leave a notification in no state at all, or due for ever.
func checkOutcome(out store.Outcome) error {
	switch out.State {
	case store.Delivered, store.Dead:
		if out.NextAttempt.IsZero() {
			return nil
		}
		return fmt.Errorf("recording outcome: %s has a next attempt", out.State)
	case store.Waiting:
		if !out.NextAttempt.IsZero() {
			return nil
		}
		return fmt.Errorf("recording outcome: %s needs a next attempt", out.State)
	}
	return fmt.Errorf("recording outcome: unknown state %q", out.State)
}
