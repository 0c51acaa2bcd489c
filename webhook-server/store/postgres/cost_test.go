package postgres

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// backlog puts so many waiting rows into a lane, due one after the other, without a store's help.
func backlog(t testing.TB, s *Store, laneName string, firstSeq int64, count int) int64 {
	t.Helper()
	lane := enterLane(t, s, laneName)
	_, err := s.pool.Exec(t.Context(), `INSERT INTO notification (seq, received_at, next_attempt, lane, id, gateway_id, merchant_id, token_id, update_type, correlation_id)
		SELECT $1::bigint + i, $2::bigint + i, $2::bigint + i, $3::bigint, 'msg_' || $1::bigint + i, 'MGW_000001', '40010000001', 'tok_' || i, 'TOKEN_STATE_CHANGE', 'c-' || i FROM generate_series(1, $4::bigint) i`,
		firstSeq, millis(began()), lane, count)
	if err != nil {
		t.Fatal(err)
	}
	return lane
}

// pagesRead is how many pages a statement of the hot path looks at. What it changes is taken back.
func pagesRead(t *testing.T, s *Store, text string, args ...any) int {
	t.Helper()
	var plans []struct {
		Plan map[string]any
	}
	err := pgx.BeginFunc(t.Context(), s.claims, func(tx pgx.Tx) error {
		var explained []byte
		if err := tx.QueryRow(t.Context(), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+text, args...).Scan(&explained); err != nil {
			return err
		}
		if err := json.Unmarshal(explained, &plans); err != nil {
			return err
		}
		return tx.Rollback(t.Context())
	})
	if err != nil && !errors.Is(err, pgx.ErrTxClosed) {
		t.Fatal(err)
	}
	return int(plans[0].Plan["Shared Hit Blocks"].(float64) + plans[0].Plan["Shared Read Blocks"].(float64))
}

func TestTheHotPathReadsAsMuchBehindABacklogAsWithoutOne(t *testing.T) {
	s := openForTest(t)
	mine := backlog(t, s, "payments/acme/mine", 0, 20)
	now, until := millis(began())+3_600_000, millis(began())+3_660_000
	statements := []struct {
		name string
		most int // pages more than without a backlog: an index that has grown is a level or two deeper for each row
		read func() int
	}{
		{"Claim", 120, func() int { return pagesRead(t, s, claimText, mine, now, 10, until, newNumbers()) }},
		{"DueLanes", 25, func() int { return pagesRead(t, s, dueLanesText, now) }},
		{"NextDue", 25, func() int { return pagesRead(t, s, nextDueText, now) }},
	}
	var before []int
	for _, st := range statements {
		before = append(before, st.read())
	}
	compare := func(when string) {
		t.Helper()
		for i, st := range statements {
			if got := st.read(); got > before[i]+st.most {
				t.Errorf("%s: %s looks at %d pages, and at %d in a small table", when, st.name, got, before[i])
			}
		}
	}
	backlog(t, s, "payments/acme/other", 1<<20, 100_000)
	compare("100,000 in another lane, the planner not told")
	if _, err := s.pool.Exec(t.Context(), "ANALYZE notification"); err != nil {
		t.Fatal(err)
	}
	compare("100,000 in another lane")
	backlog(t, s, "payments/acme/mine", 1<<30, 100_000)
	compare("100,000 in the same lane")
	if _, err := s.pool.Exec(t.Context(), "VACUUM ANALYZE notification"); err != nil {
		t.Fatal(err)
	}
	compare("100,000 in the same lane, the planner told")
	if got := pagesRead(t, s, probeText, mine, now, 500, until, newNumbers()); got > 700 { // of 500 rows
		t.Errorf("a probe looks at %d pages", got)
	}
}

// What has been delivered or claimed leaves dead entries at the head of the queue: claims must not wade through them again and again.
func TestClaimsDoNotWadeThroughWhatHasGone(t *testing.T) {
	s := openForTest(t)
	lane := backlog(t, s, "payments/acme/mine", 0, 5000)
	now := began().Add(time.Hour)
	for range 45 {
		claimed, err := s.Claim(t.Context(), "payments/acme/mine", now, 100, time.Hour)
		if err != nil || len(claimed) != 100 {
			t.Fatal(len(claimed), err)
		}
	}
	read := func() int {
		return pagesRead(t, s, claimText, lane, now.UnixMilli(), 10, now.Add(time.Hour).UnixMilli(), newNumbers())
	}
	first := read() // it marks what is dead
	if got := read(); got > 250 {
		t.Errorf("a claim of 10 looks at %d pages behind 4,500 that have been claimed, and looked at %d the time before", got, first)
	}
}

func BenchmarkClaim(b *testing.B) {
	for _, waiting := range []int{100, 100_000} {
		b.Run(fmt.Sprintf("%d waiting", waiting), func(b *testing.B) {
			s := openForTest(b)
			backlog(b, s, "payments/acme/mine", 0, waiting)
			now := began().Add(time.Hour)
			for b.Loop() {
				claimed, err := s.Claim(b.Context(), "payments/acme/mine", now, 10, time.Minute)
				if err != nil || len(claimed) != 10 {
					b.Fatal(len(claimed), err)
				}
				for _, d := range claimed {
					if err := s.Release(b.Context(), d.ID, d.Lease); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
