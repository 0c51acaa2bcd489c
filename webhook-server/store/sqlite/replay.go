package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	// replayPage bounds how many candidates are looked for at once.
	replayPage = 10_000
	// replayStep bounds what one transaction replays, so that no append waits long for it.
	replayStep = 500
)

// Replay implements store.Archive. Candidates are read beside the writer, which then looks at each of them again: what has been claimed, attempted or
// removed meanwhile is left alone.
func (s *Store) Replay(ctx context.Context, f store.Filter, at time.Time, limit int) (int, error) {
	q := s.searchFor(f)
	q.oldestFirst, q.columns, q.fields = true, "seq, received_at", func(r *row) []any { return []any{&r.seq, &r.received} }
	instant := toMillis(at)
	q.where("last_attempt < ? AND replayed_at < ? AND (state <> 'Waiting' OR next_attempt > ?)", instant, instant, instant)
	replayed, err := s.replayAll(ctx, q, instant, limit)
	if err != nil {
		return replayed, fmt.Errorf("replaying: %w", err)
	}
	return replayed, nil
}

func (s *Store) replayAll(ctx context.Context, q *search, at int64, limit int) (replayed int, err error) {
	recheck := *q // as it is now: behind, below, would only cost time
	for replayed < limit {
		page := min(replayPage, limit-replayed)
		found, err := s.search(ctx, s.readers.choosing, q, page)
		if err != nil {
			return replayed, err
		}
		for rest := found; len(rest) > 0; {
			step := rest[:min(replayStep, len(rest))]
			n, err := s.replayOnce(ctx, &recheck, at, step)
			replayed += n
			if err != nil {
				return replayed, err
			}
			rest = rest[len(step):]
		}
		if len(found) < page {
			break
		}
		q.behind(found[len(found)-1])
	}
	return replayed, s.closed()
}

func (s *Store) replayOnce(ctx context.Context, q *search, at int64, candidates []row) (int, error) {
	var rows []row
	o := &op{apply: func(w *writer) (err error) {
		rows, err = w.replay(q, at, candidates)
		return err
	}}
	o.finished = func(err error) {
		if err == nil {
			s.queue.replayed(rows, at)
		}
	}
	if err := s.writer.do(ctx, o); err != nil {
		return 0, err
	}
	return len(rows), nil
}

// replay answers the rows that it has made due, as they were before.
func (w *writer) replay(q *search, at int64, candidates []row) ([]row, error) {
	list, err := seqList(candidates)
	if err != nil {
		return nil, err
	}
	again := *q
	again.hint = "NOT INDEXED"
	found, err := w.conn.QueryContext(context.Background(), again.text(columns, "seq IN (SELECT value FROM json_each(?))"), append([]any{list}, again.args...)...)
	if err != nil {
		return nil, err
	}
	rows, err := scanAll(found, (*row).fields)
	if err != nil {
		return nil, err
	}
	rows = w.queue.withoutClaimed(rows)
	if list, err = seqList(rows); err != nil || len(rows) == 0 {
		return nil, err
	}
	_, err = w.conn.ExecContext(context.Background(), `UPDATE notification SET next_attempt = ?1, attempts = iif(state = 'Waiting', attempts, 0),
		replayed_at = iif(state = 'Waiting', replayed_at, ?1), state = 'Waiting' WHERE seq IN (SELECT value FROM json_each(?2))`, at, list)
	if err != nil {
		return nil, err
	}
	w.changed += len(rows)
	for _, r := range rows {
		w.final.add(r.State, -1)
	}
	return rows, nil
}

// seqList is the rows' seqs as a JSON array.
func seqList(rows []row) (string, error) {
	seqs := make([]int64, len(rows))
	for i, r := range rows {
		seqs[i] = r.seq
	}
	list, err := json.Marshal(seqs)
	return string(list), err
}
