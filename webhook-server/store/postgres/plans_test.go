package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// The planner's statistics are of some moment; what waits may have been nothing then and everything now.
func TestNoStatementReadsMoreForWhatTheStatisticsSay(t *testing.T) {
	const empty = "UPDATE pg_class SET reltuples = 0, relpages = greatest(relpages, 1) WHERE relname LIKE 'notification%'"
	for name, moments := range map[string]struct{ before, after string }{
		"never told":                                  {},
		"told while nothing waited":                   {before: "ANALYZE notification"},
		"told while everything was delivered":         {before: "UPDATE notification SET state = 1, lease = 0; VACUUM ANALYZE notification"},
		"told when everything had been removed":       {before: "DELETE FROM notification; VACUUM ANALYZE notification"},
		"told that there is nothing on what it knows": {after: empty},
		"told just now":                               {after: "VACUUM ANALYZE notification"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openForTest(t)
			execute(t, s, "ALTER TABLE notification SET (autovacuum_enabled = off)")
			backlog(t, s, "payments/acme/past", 0, 2000)
			tell(t, s, moments.before)
			lane := backlog(t, s, "payments/acme/mine", 1<<20, 30_000)
			execute(t, s, "UPDATE notification SET ordered = true, merge = true, token_id = 'tok_' || seq % 3000 WHERE seq % 2 = 0 AND seq > 1 << 20")
			tell(t, s, moments.after)
			wantFewPages(t, s, lane)
		})
	}
}

// tell executes each of some statements by itself: VACUUM is nothing for a transaction.
func tell(t *testing.T, s *Store, statements string) {
	t.Helper()
	for _, statement := range strings.Split(statements, ";") {
		execute(t, s, statement)
	}
}

// wantFewPages has every statement that reads and changes a few rows do so for 100.
func wantFewPages(t *testing.T, s *Store, lane int64) {
	t.Helper()
	const rows, most = 100, 4000 // a changed row is found, moved, and entered into each index
	now, until := millis(began())+3_600_000, millis(began())+3_660_000
	var c outcomeColumns
	var seqs, lanes []int64
	var merchants, tokens, updateTypes []string
	for i := range int64(rows) {
		seq := 1<<20 + 10_000 + i
		c.add(&outcome{claim: &claim{seq: seq, Delivery: store.Delivery{Lease: 7}}, state: 1})
		seqs, lanes = append(seqs, seq), append(lanes, lane)
		merchants = append(merchants, "40010000001")
		tokens, updateTypes = append(tokens, fmt.Sprint("tok_", i)), append(updateTypes, "TOKEN_STATE_CHANGE")
	}
	execute(t, s, "UPDATE notification SET lease = 7 WHERE seq = ANY($1)", seqs)
	execute(t, s, "UPDATE notification SET parked = true WHERE ordered AND seq % 7 = 0")
	for name, read := range map[string]func() int{
		"claiming":        func() int { return pagesRead(t, s, claimText, lane, now, rows, until, newNumbers()) },
		"probing":         func() int { return pagesRead(t, s, probeText, lane, now, store.ProbeChoice, until, newNumbers()) },
		"parking":         func() int { return pagesRead(t, s, parkText, lane, now, rows) },
		"unparking":       func() int { return pagesRead(t, s, unparkText, lanes, merchants, tokens) },
		"merging":         func() int { return pagesRead(t, s, mergeText, lanes, merchants, tokens, updateTypes) },
		"releasing":       func() int { return pagesRead(t, s, releaseText, seqs[0], 7) },
		"releasing a lot": func() int { return pagesRead(t, s, releaseLostText, lane, until, 7) },
		"recording": func() int {
			return pagesRead(t, s, recordText, c.seqs, c.leases, c.states, c.nexts, c.lasts, c.attempts, c.reasons, c.histories)
		},
		"replaying": func() int { return pagesRead(t, s, replayText+replayEnd, seqs, now) },
		"pruning":   func() int { return pagesRead(t, s, pruneText(store.Delivered), now, 0, rows) },
	} {
		if got := read(); got > most {
			t.Errorf("%s looks at %d pages", name, got)
		}
	}
}
