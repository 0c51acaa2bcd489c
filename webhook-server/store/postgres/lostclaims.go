package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// lostClaim is a claim whose answer never came. If the server has committed it, its rows are leased to nobody; they would wait until the lease ends.
type lostClaim struct{ lane, until, first int64 }

// mostLost bounds how many are remembered: more than there are connections for claims.
const mostLost = 64

// lostClaims are to be released once the server answers again, as far as possible: else their leases end by themselves.
type lostClaims struct {
	mu  sync.Mutex
	all []lostClaim
}

// maybeCommitted reports whether a statement that ended with the error may have been carried out nevertheless.
func maybeCommitted(err error) bool {
	var never *pgconn.ConnectError
	return sqlState(err) == "" && !pgconn.SafeToRetry(err) && !errors.As(err, &never)
}

func (l *lostClaims) add(lost ...lostClaim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, lost[:min(len(lost), mostLost-len(l.all))]...)
}

// take answers those whose leases have not ended.
func (l *lostClaims) take(now time.Time) (all []lostClaim) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.all {
		if c.until > now.UnixMilli() {
			all = append(all, c)
		}
	}
	l.all = nil
	return all
}

// releaseLostText finds a claim's rows by the end of their lease, which an index has.
const releaseLostText = `UPDATE notification SET lease = 0, next_attempt = was_due
WHERE lane = $1 AND NOT parked AND next_attempt = $2 AND state = 0 AND lease BETWEEN $3 AND $3::bigint + 65535`

// releaseLost releases what has been lost, or keeps it for the next time.
func (s *Store) releaseLost(ctx context.Context, now time.Time) {
	lost := s.lost.take(now)
	for i, c := range lost {
		if _, err := s.claims.Exec(ctx, releaseLostText, c.lane, c.until, c.first); err != nil {
			s.lost.add(lost[i:]...)
			return
		}
	}
}
