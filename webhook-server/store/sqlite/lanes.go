package sqlite

import (
	"context"
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
