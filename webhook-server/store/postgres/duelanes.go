package postgres

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// waitingLanes goes from each lane with waiting rows to the next, by one look into the index for each.
const waitingLanes = `WITH RECURSIVE waiting (lane) AS (
	(SELECT n.lane FROM notification n WHERE n.state = 0 ORDER BY n.lane LIMIT 1)
	UNION ALL
	SELECT next.lane FROM waiting CROSS JOIN LATERAL (
		SELECT n.lane FROM notification n WHERE n.state = 0 AND n.lane > waiting.lane ORDER BY n.lane LIMIT 1
	) next
)
`

const dueLanesText = waitingLanes + `SELECT waiting.lane FROM waiting CROSS JOIN LATERAL (
	SELECT n.next_attempt FROM notification n WHERE n.state = 0 AND n.lane = waiting.lane AND NOT n.parked ORDER BY n.next_attempt LIMIT 1
) first WHERE first.next_attempt <= $1`

const nextDueText = waitingLanes + `SELECT coalesce(min(first.next_attempt), 0) FROM waiting CROSS JOIN LATERAL (
	SELECT n.next_attempt FROM notification n WHERE n.state = 0 AND n.lane = waiting.lane AND NOT n.parked AND n.next_attempt > $1 ORDER BY n.next_attempt LIMIT 1
) first`

// DueLanes implements store.Outbox.
func (s *Store) DueLanes(ctx context.Context, now time.Time) ([]string, error) {
	names, err := s.dueLanes(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("looking for due lanes: %w", asStoreError(err))
	}
	return names, nil
}

func (s *Store) dueLanes(ctx context.Context, now time.Time) ([]string, error) {
	s.leases.name(now)
	ctx, cancel := context.WithTimeout(ctx, s.bounds.answer)
	defer cancel()
	rows, err := s.claims.Query(ctx, dueLanesText, now.UnixMilli())
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, err
	}
	names, err := s.lanes.namesOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Values(names)), nil
}

// NextDue implements store.Outbox.
func (s *Store) NextDue(ctx context.Context, now time.Time) (due time.Time, ok bool, err error) {
	s.leases.name(now)
	ctx, cancel := context.WithTimeout(ctx, s.bounds.answer)
	defer cancel()
	var next int64
	if err := s.claims.QueryRow(ctx, nextDueText, now.UnixMilli()).Scan(&next); err != nil {
		return time.Time{}, false, fmt.Errorf("looking for the next due instant: %w", asStoreError(err))
	}
	return instant(next), next != 0, nil
}

// lanesText counts through the indexes of what waits and of what is dead, and of the dead reads no more than the index.
const lanesText = `SELECT lane, coalesce(sum(waiting), 0)::bigint, coalesce(min(oldest), 0), coalesce(sum(dead), 0)::bigint
FROM (
	SELECT lane, count(*) AS waiting, min(received_at) AS oldest, 0::bigint AS dead FROM notification WHERE state = 0 GROUP BY lane
	UNION ALL
	SELECT lane, 0, NULL::bigint, count(*) FROM notification WHERE state + 0 = 2 GROUP BY lane
) counted GROUP BY lane`

// Lanes implements store.Outbox.
func (s *Store) Lanes(ctx context.Context) ([]store.LaneStats, error) {
	stats, err := s.laneStats(ctx)
	if err != nil {
		return nil, fmt.Errorf("counting lanes: %w", asStoreError(err))
	}
	return stats, nil
}

func (s *Store) laneStats(ctx context.Context) ([]store.LaneStats, error) {
	ctx, cancel := context.WithTimeout(ctx, s.bounds.search)
	defer cancel()
	rows, err := s.claims.Query(ctx, lanesText)
	if err != nil {
		return nil, err
	}
	type counts struct {
		lane          int64
		waiting, dead int
		oldest        int64
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c counts, err error) {
		err = row.Scan(&c.lane, &c.waiting, &c.oldest, &c.dead)
		return c, err
	})
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(found))
	for i, c := range found {
		ids[i] = c.lane
	}
	names, err := s.lanes.namesOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	stats := make([]store.LaneStats, 0, len(found))
	for _, c := range found {
		if name, known := names[c.lane]; known {
			stats = append(stats, store.LaneStats{Lane: name, Waiting: c.waiting, OldestWaiting: instant(c.oldest), Dead: c.dead})
		}
	}
	slices.SortFunc(stats, func(a, b store.LaneStats) int { return cmp.Compare(a.Lane, b.Lane) })
	return stats, nil
}
