package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

const (
	// firstBlobs and mostBlobs are how many blobs of 16 KiB, or pieces of them, are read at once: few as long as the newest runs may be enough, and never more than 2 MiB.
	firstBlobs, mostBlobs = 4, 128
	// mostCandidates is after how many rows that may match they are looked at.
	mostCandidates = 2 * runs.Rows
)

// collectFound asks the blobs of closed runs which rows may match, and reads those.
func (q search) collectFound(ctx context.Context, tx pgx.Tx, closed []closedSpan, to collector) error {
	for atOnce := firstBlobs; len(closed) > 0 && !to.enough(closed[0]); atOnce = min(2*atOnce, mostBlobs) {
		some := closed[:min(atOnce, len(closed))]
		closed = closed[len(some):]
		blobs, err := q.blobs(ctx, tx, some)
		if err != nil {
			return err
		}
		if err := q.collectIn(ctx, tx, some, blobs, to); err != nil {
			return err
		}
	}
	return nil
}

// collectIn looks into the runs in turn.
func (q search) collectIn(ctx context.Context, tx pgx.Tx, some []closedSpan, blobs map[int64][]byte, to collector) error {
	var candidates []int64
	for i, r := range some {
		candidates = append(candidates, runs.Find(r.number, blobs[r.number], q.value)...)
		if len(candidates) == 0 || len(candidates) < mostCandidates && i < len(some)-1 {
			continue
		}
		if err := to.read(ctx, tx, q.with("seq = ANY(?)", candidates)); err != nil {
			return err
		}
		if i < len(some)-1 && to.enough(some[i+1]) {
			return nil
		}
		candidates = candidates[:0]
	}
	return nil
}

// blobs answers those of the search's field, or pieces of them that have all slots of the value, by the number of their run.
func (q search) blobs(ctx context.Context, tx pgx.Tx, some []closedSpan) (map[int64][]byte, error) {
	found := make(map[int64][]byte, len(some))
	var whole []piece
	if q.field == runs.ByMerchant { // many rows have the same
		for _, r := range some {
			whole = append(whole, piece{r.number, 0, r.slots})
		}
		return found, q.readPieces(ctx, tx, whole, found)
	}
	windows := make([]piece, len(some))
	for i, r := range some {
		first, size := runs.Window(q.value, r.slots)
		windows[i] = piece{r.number, first, size}
	}
	if err := q.readPieces(ctx, tx, windows, found); err != nil {
		return nil, err
	}
	for i, r := range some {
		if !runs.Covers(found[r.number], windows[i].first, r.slots, q.value) {
			whole = append(whole, piece{r.number, 0, r.slots})
		}
	}
	return found, q.readPieces(ctx, tx, whole, found)
}

// piece is so many slots of a run's blob, from the first on.
type piece struct {
	number      int64
	first, size int
}

// readPieces reads pieces of the field's blobs: PostgreSQL then reads no more of each than the pages that have them.
func (q search) readPieces(ctx context.Context, tx pgx.Tx, pieces []piece, found map[int64][]byte) error {
	if len(pieces) == 0 {
		return nil
	}
	numbers, firsts, sizes := make([]int64, len(pieces)), make([]int, len(pieces)), make([]int, len(pieces))
	for i, p := range pieces {
		numbers[i], firsts[i], sizes[i] = p.number, p.first, p.size
	}
	column := [runs.Fields]string{runs.ByID: "by_id", runs.ByToken: "by_token", runs.ByCorrelation: "by_correlation", runs.ByMerchant: "by_merchant"}[q.field]
	rows, err := tx.Query(ctx, "SELECT run.number, substr("+column+`, piece.first * 4 + 1, piece.size * 4)
		FROM unnest($1::bigint[], $2::integer[], $3::integer[]) AS piece (number, first, size) JOIN run ON run.number = piece.number`, numbers, firsts, sizes)
	if err != nil {
		return err
	}
	var number int64
	var packed []byte
	_, err = pgx.ForEachRow(rows, []any{&number, &packed}, func() error {
		found[number] = packed
		return nil
	})
	return err
}
