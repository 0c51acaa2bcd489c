package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Claim implements store.Outbox. The queue chooses; the table is only asked for the chosen rows.
func (s *Store) Claim(ctx context.Context, lane string, now time.Time, limit int, lease time.Duration) ([]store.Delivery, error) {
	if err := s.closed(); err != nil {
		return nil, err
	}
	return s.deliveries(ctx, s.queue.claim(lane, toMillis(now), toMillis(now.Add(lease)), limit))
}

// ClaimProbe implements store.Outbox.
func (s *Store) ClaimProbe(ctx context.Context, lane string, now time.Time, lease time.Duration) (*store.Delivery, error) {
	if err := s.closed(); err != nil {
		return nil, err
	}
	c := s.queue.probe(lane, toMillis(now), toMillis(now.Add(lease)))
	if c == nil {
		return nil, nil
	}
	deliveries, err := s.deliveries(ctx, []*claim{c})
	if err != nil {
		return nil, err
	}
	return &deliveries[0], nil
}

// deliveries reads what has been claimed, or gives it back.
func (s *Store) deliveries(ctx context.Context, claims []*claim) ([]store.Delivery, error) {
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
		seqs[i] = c.seq()
	}
	list, err := json.Marshal(seqs)
	if err != nil {
		return nil, err
	}
	rows, err := s.claimed.QueryContext(ctx, string(list))
	if err != nil {
		return nil, err
	}
	found, err := scanAll(rows, (*row).claimFields)
	if err != nil {
		return nil, err
	}
	bySeq := make(map[int64]*row, len(found))
	for i := range found {
		bySeq[found[i].seq] = &found[i]
	}
	deliveries := make([]store.Delivery, len(claims))
	for i, c := range claims {
		r := bySeq[c.seq()]
		if r == nil {
			return nil, fmt.Errorf("row %d is gone from the file", c.seq())
		}
		r.received, r.Lane = c.received, c.lane
		s.queue.know(c, r)
		deliveries[i] = r.delivery(c.lease)
	}
	return deliveries, nil
}
