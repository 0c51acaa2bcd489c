package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// meets is what the filter means, row by row.
func meets(f store.Filter, p planted) bool {
	for _, c := range [][2]string{
		{f.ID, p.ID}, {f.GatewayID, p.GatewayID}, {f.MerchantID, p.MerchantID}, {f.TokenID, p.TokenID}, {f.CorrelationID, p.CorrelationID},
		{f.UpdateType, p.UpdateType}, {f.Lane, p.Lane}, {f.Reason, p.LastReason}, {string(f.State), string(p.State)},
	} {
		if c[0] != "" && c[0] != c[1] {
			return false
		}
	}
	return (f.ReceivedFrom.IsZero() || !p.ReceivedAt.Before(f.ReceivedFrom)) && (f.ReceivedUntil.IsZero() || p.ReceivedAt.Before(f.ReceivedUntil))
}

// filters are some of each kind; the values are of rows that are there.
func filters(all []planted) []store.Filter {
	some := []store.Filter{
		{}, {State: store.Waiting}, {State: store.Dead}, {State: store.Delivered}, {Reason: "timeout"}, {Reason: "gone", State: store.Dead}, {Lane: "payments/acme/1"},
		{Lane: "payments/acme/1", State: store.Waiting}, {Lane: "payments/nobody/1"}, {UpdateType: "CARD_UPDATE", GatewayID: "MGW_000001"},
		{MerchantID: "40010000003"}, {MerchantID: "40010000003", State: store.Waiting, Reason: "timeout"}, {MerchantID: "nobody"}, {TokenID: "tok_\x00"}, {State: "Unknown"},
		{ReceivedFrom: began().Add(2 * time.Second), ReceivedUntil: began().Add(2300*time.Millisecond + time.Microsecond)},
		{ReceivedFrom: began().Add(time.Second + time.Microsecond), MerchantID: "40010000001"},
		{ReceivedUntil: began().Add(time.Second), State: store.Dead, Lane: "payments/acme/2"},
	}
	for _, i := range []int{0, 1, 500, 4000, 9000, len(all) - 1} {
		p := all[i]
		some = append(some, store.Filter{ID: p.ID}, store.Filter{TokenID: p.TokenID}, store.Filter{CorrelationID: p.CorrelationID},
			store.Filter{TokenID: p.TokenID, State: p.State, MerchantID: p.MerchantID}, store.Filter{CorrelationID: p.CorrelationID, Lane: p.Lane, ReceivedFrom: p.ReceivedAt},
			store.Filter{TokenID: p.TokenID, ReceivedUntil: p.ReceivedAt}, store.Filter{ID: p.ID, TokenID: "tok_none"})
	}
	return some
}

func TestSearchesOfOverlappingRunsAnswerWhatAScanWould(t *testing.T) {
	s := openForTest(t)
	all := plantSeveral(t, s)
	for _, f := range filters(all) {
		want := []string{}
		for _, p := range all {
			if meets(f, p) {
				want = append(want, p.ID)
			}
		}
		if got, err := s.Count(t.Context(), f); err != nil || got != len(want) {
			t.Errorf("%+v: counted %d, %v; want %d", f, got, err, len(want))
		}
		for _, size := range []int{333, 1000} {
			if got := pages(t, s, f, size, 4); !slices.Equal(got, want[:min(4*size, len(want))]) {
				t.Errorf("%+v in pages of %d: %d answered, want %d: %s", f, size, len(got), len(want), firstDifference(got, want))
			}
		}
	}
}

// pages lists up to so many pages.
func pages(t *testing.T, s *Store, f store.Filter, size, most int) []string {
	t.Helper()
	ids := []string{}
	f.Limit = size
	for range most {
		page, err := s.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			ids = append(ids, r.ID)
		}
		if len(page) < size {
			break
		}
		f.After = page[len(page)-1].ID
	}
	return ids
}

func firstDifference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("number %d is %s, want %s", i, got[i], want[i])
		}
	}
	return "one is the beginning of the other"
}

func TestTheOldestAreFoundInTheOppositeOrder(t *testing.T) {
	s := openForTest(t)
	all := plantSeveral(t, s)
	slices.Reverse(all)
	for _, f := range filters(all) {
		var want []int64
		for _, p := range all {
			if meets(f, p) {
				want = append(want, p.seq)
			}
		}
		want = want[:min(300, len(want))]
		oldest := page{oldest: true, limit: 300}
		if err := s.reading(t.Context(), func(tx pgx.Tx) error { return searchFor(f).collect(t.Context(), tx, &oldest) }); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(oldest.seqs(), want) {
			t.Errorf("%+v: %d found, want %d", f, len(oldest.rows), len(want))
		}
	}
}

// planner has PostgreSQL explain what a collector would have it do.
type planner struct {
	collector
	plans []string
}

func (p *planner) read(ctx context.Context, tx pgx.Tx, c conditions) error {
	rows, err := tx.Query(ctx, "EXPLAIN SELECT received_at, seq FROM notification"+c.where()+" ORDER BY received_at DESC, seq DESC LIMIT 100", c.args...)
	if err != nil {
		return err
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	p.plans = append(p.plans, strings.Join(lines, "\n"))
	return err
}

func TestNoSearchReadsTheWholeTable(t *testing.T) {
	s := openForTest(t)
	all := plantSeveral(t, s)
	for _, statistics := range []string{"none", "fresh"} {
		if statistics == "fresh" {
			if _, err := s.pool.Exec(t.Context(), "ANALYZE"); err != nil {
				t.Fatal(err)
			}
		}
		for _, f := range filters(all) {
			p := planner{collector: &page{limit: 100}}
			if err := s.reading(t.Context(), func(tx pgx.Tx) error { return searchFor(f).collect(t.Context(), tx, &p) }); err != nil {
				t.Fatal(err)
			}
			for _, plan := range p.plans {
				if strings.Contains(plan, "Seq Scan") {
					t.Errorf("statistics %s, %+v:\n%s", statistics, f, plan)
				}
			}
		}
	}
}

// closer closes a run while a search is under way: after it has read the rows of open runs.
type closer struct {
	counter
	close func() error
}

func (c *closer) read(ctx context.Context, tx pgx.Tx, conditions conditions) error {
	return errors.Join(c.counter.read(ctx, tx, conditions), c.close())
}

func TestASearchFindsEachRowOnceThoughItsRunIsClosedMeanwhile(t *testing.T) {
	s := openForTest(t)
	const number, rows = base + 3, 400
	records := make([]store.Record, rows)
	for i := range records {
		records[i] = anyRecord(rand.New(rand.NewPCG(7, uint64(i))), fmt.Sprintf("msg_%d", i), began())
		records[i].TokenID = "tok_all"
	}
	plant(t, s, number, records)
	counting := closer{close: func() error { return s.closeRun(t.Context(), number) }}
	if err := s.reading(t.Context(), func(tx pgx.Tx) error {
		return searchFor(store.Filter{TokenID: "tok_all"}).collect(t.Context(), tx, &counting)
	}); err != nil {
		t.Fatal(err)
	}
	after, err := s.Count(t.Context(), store.Filter{TokenID: "tok_all"})
	if err != nil || counting.count != rows || after != rows {
		t.Errorf("%d rows while the run is closed and %d after, %v; want %d", counting.count, after, err, rows)
	}
}

// The rows of one token are then not where in the blob they would be if each had a token of its own.
func TestATokenOfHalfARunIsFoundInFull(t *testing.T) {
	s := openForTest(t)
	records := make([]store.Record, runs.Rows)
	for i := range records {
		records[i] = anyRecord(rand.New(rand.NewPCG(8, uint64(i))), fmt.Sprintf("msg_%d", i), began())
		records[i].TokenID = fmt.Sprintf("tok_%d", i%2)
	}
	plant(t, s, base, records)
	closeRuns(t, s, base)
	for _, token := range []string{"tok_0", "tok_1"} {
		if got, err := s.Count(t.Context(), store.Filter{TokenID: token}); err != nil || got != runs.Rows/2 {
			t.Errorf("%s: %d, %v; want %d", token, got, err, runs.Rows/2)
		}
	}
}

func TestSearchesLeaveAConnectionForWhatCannotWait(t *testing.T) {
	databaseURL := server.Database(t)
	s := openAt(t, databaseURL+"?pool_max_conns=2")
	if err := s.reading(t.Context(), func(pgx.Tx) error {
		ended, end := context.WithCancel(t.Context())
		end()
		if _, err := s.List(ended, store.Filter{}); !errors.Is(err, context.Canceled) {
			t.Errorf("a second search at once: %v", err)
		}
		_, _, err := s.Revocations(t.Context(), 0)
		return err
	}); err != nil {
		t.Error(err)
	}
	if _, err := s.List(t.Context(), store.Filter{}); err != nil {
		t.Errorf("a search after that: %v", err)
	}
}
