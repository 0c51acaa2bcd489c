package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// List implements store.Archive. Of those received in the same millisecond, that with the higher number comes first.
func (s *Store) List(ctx context.Context, f store.Filter) ([]store.Record, error) {
	var records []store.Record
	err := s.reading(ctx, func(tx pgx.Tx) error {
		q := searchFor(f)
		if f.After != "" {
			at, err := find(ctx, tx, f.After)
			if err != nil {
				return err
			}
			q = q.behind(at, false)
		}
		newest := page{limit: pageSize(f.Limit)}
		if err := q.collect(ctx, tx, &newest); err != nil {
			return err
		}
		var err error
		records, err = readRecords(ctx, tx, newest.seqs())
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing notifications: %w", asStoreError(err))
	}
	return records, nil
}

// readRecords answers the records of the rows, in their order.
func readRecords(ctx context.Context, tx pgx.Tx, seqs []int64) ([]store.Record, error) {
	text := "SELECT " + recordColumns + " FROM notification WHERE seq = ANY($1)"
	rows, err := tx.Query(ctx, text, seqs)
	if err != nil {
		return nil, err
	}
	place := make(map[int64]int, len(seqs))
	for i, seq := range seqs {
		place[seq] = i
	}
	records := make([]store.Record, len(seqs))
	var r row
	_, err = pgx.ForEachRow(rows, r.fields(), func() error {
		records[place[r.seq]] = r.record()
		return nil
	})
	return records, err
}

func pageSize(limit int) int {
	const usual, most = 100, 1000
	if limit <= 0 {
		return usual
	}
	return min(limit, most)
}
