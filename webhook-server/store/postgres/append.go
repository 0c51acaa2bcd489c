package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// appending is a notification on its way in.
type appending struct {
	store.Notification
	lane int64
	// answer is the id that Append answers: another notification's when this one was merged into it.
	answer string
}

// Append implements store.Outbox.
func (s *Store) Append(ctx context.Context, n store.Notification) (string, error) {
	if n.ID == "" {
		return "", errors.New("appending: the notification has no id")
	}
	for _, text := range [...]string{n.ID, n.GatewayID, n.MerchantID, n.TokenID, n.UpdateType, n.CorrelationID, n.Lane} {
		if !storable(text) {
			return "", errors.New("appending: a field is not UTF-8 or has a zero byte")
		}
	}
	lane, err := s.lanes.number(n.Lane)
	if err != nil {
		return "", fmt.Errorf("appending: %w", err)
	}
	a := &appending{Notification: n, lane: lane, answer: n.ID}
	queue := s.appends
	if n.Merge {
		queue = s.merges // those without Merge do not pay for it
	}
	if err := queue.do(ctx, a); err != nil {
		return "", fmt.Errorf("appending: %w", asStoreError(err))
	}
	return a.answer, nil
}

// startInserters begins to commit appends: one committer for each kind. Two of a kind would make groups of half the size, and each costs the server twice what a row does.
func (s *Store) startInserters() {
	plain := &inserter{s: s, insert: s.insert}
	s.appends.serve(plain.commit, plain.leave)
	merging := &inserter{s: s, insert: s.mergeOrInsert}
	s.merges.serve(merging.commit, merging.leave)
}

// inserter commits groups of appends into a run of its own.
type inserter struct {
	s   *Store
	run *openRun
	// insert inserts some, durably, into a run that has room for them. It reports false when the run has been closed: then nothing is inserted.
	insert  func(ctx context.Context, r *openRun, c *columns, some []*request[*appending]) (bool, error)
	columns columns
}

// commit inserts a group, in the present run as far as it reaches, and answers the callers.
func (w *inserter) commit(group []*request[*appending]) {
	ctx, cancel := context.WithTimeout(context.Background(), w.s.bounds.answer)
	defer cancel()
	for len(group) > 0 {
		started := w.s.now()
		some, err := w.commitSome(ctx, group)
		if len(some) == 0 {
			continue // the run was another's: once more, in a new one
		}
		w.s.report(store.Commit{Appends: len(some), Duration: w.s.now().Sub(started), Err: err})
		for _, r := range some {
			r.result <- err
		}
		group = group[len(some):]
	}
}

// commitSome answers those that the answer is about: none when the run was found closed.
func (w *inserter) commitSome(ctx context.Context, group []*request[*appending]) ([]*request[*appending], error) {
	if w.run == nil || w.run.left() == 0 {
		next, err := w.s.runs.next(ctx, w.run)
		if err != nil {
			return group, fmt.Errorf("opening a run: %w", err)
		}
		w.run = next
	}
	some := group[:min(len(group), w.run.left())]
	inserted, err := w.insert(ctx, w.run, &w.columns, some)
	if err != nil {
		return some, err
	}
	if !inserted {
		next, err := w.s.runs.next(ctx, nil) // somebody took this process for gone and has closed the run
		if err != nil {
			return group, fmt.Errorf("opening a run: %w", err)
		}
		w.s.runs.forget(w.run)
		w.run = next
		return nil, nil
	}
	return some, nil
}

// leave ends the present run.
func (w *inserter) leave() { w.s.runs.leave(w.run) }
