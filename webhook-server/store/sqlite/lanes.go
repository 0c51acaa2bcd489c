package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// DueLanes implements store.Store.
func (s *Store) DueLanes(_ context.Context, now time.Time) ([]string, error) {
	if err := s.closed(); err != nil {
		return nil, err
	}
	return s.queue.dueLanes(toMillis(now)), nil
}

// NextDue implements store.Store.
func (s *Store) NextDue(_ context.Context, now time.Time) (time.Time, bool, error) {
	if err := s.closed(); err != nil {
		return time.Time{}, false, err
	}
	due, ok := s.queue.nextDue(toMillis(now))
	if !ok {
		return time.Time{}, false, nil
	}
	return fromMillis(due), true, nil
}

// Lanes implements store.Store.
func (s *Store) Lanes(context.Context) ([]store.LaneStats, error) {
	if err := s.closed(); err != nil {
		return nil, err
	}
	return s.queue.stats(), nil
}

// Release implements store.Store.
func (s *Store) Release(_ context.Context, id string, lease int64) error {
	if err := s.closed(); err != nil {
		return err
	}
	if err := s.queue.release(id, lease); err != nil {
		return fmt.Errorf("releasing claim: %w", err)
	}
	return nil
}

// Claim implements store.Store. The queue chooses; the table is only asked for the chosen rows.
func (s *Store) Claim(ctx context.Context, lane string, now time.Time, limit int, lease time.Duration) ([]store.Delivery, error) {
	if err := s.closed(); err != nil {
		return nil, err
	}
	claims := s.queue.claim(lane, toMillis(now), toMillis(now.Add(lease)), limit)
	if len(claims) == 0 {
		return nil, nil
	}
	deliveries, err := s.readClaims(ctx, claims)
	if err != nil {
		s.queue.releaseAll(claims)
		return nil, fmt.Errorf("claiming: %w", err)
	}
	return deliveries, nil
}

func (s *Store) readClaims(ctx context.Context, claims []*claim) ([]store.Delivery, error) {
	seqs := make([]int64, len(claims))
	for i, c := range claims {
		seqs[i] = c.seq
	}
	list, err := json.Marshal(seqs)
	if err != nil {
		return nil, err
	}
	rows, err := s.claimed.QueryContext(ctx, string(list))
	if err != nil {
		return nil, err
	}
	found, err := scanAll(rows, (*row).fields)
	if err != nil {
		return nil, err
	}
	bySeq := make(map[int64]*row, len(found))
	for i := range found {
		bySeq[found[i].seq] = &found[i]
	}
	deliveries := make([]store.Delivery, len(claims))
	for i, c := range claims {
		r := bySeq[c.seq]
		if r == nil {
			return nil, fmt.Errorf("row %d is gone from the file", c.seq)
		}
		s.queue.name(c, r.ID)
		rec := r.record()
		deliveries[i] = store.Delivery{Notification: rec.Notification, Attempts: rec.Attempts, Lease: c.lease}
	}
	return deliveries, nil
}
