package sqlite

import (
	"context"
	"fmt"

	"github.com/d1gateway/d1gateway/webhook-server/store"
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
	next := toMillis(out.NextAttempt)
	o := &op{kind: recordOp}
	o.apply = func(w *writer) error {
		w.changed++
		_, err := w.exec(w.stmts.record, claim.seq, string(out.State), out.Reason, toMillis(out.At), next)
		return err
	}
	o.finished = func(err error) {
		if err == nil {
			s.queue.recorded(claim, out.State, next)
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
