package sqlite

import (
	"database/sql"
	"errors"

	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// readers are the connections that read. Each pool bounds the files and the memory that a burst of questions takes, and they are apart so that what a
// person looks for, which may take seconds, never holds up a delivery, a pause or a revocation.
type readers struct {
	urgent    *sql.DB // claims, pauses, revocations: microseconds each
	choosing  *sql.DB // what Replay chooses from: deliveries may wait for it
	lookups   *sql.DB // what an id, a token or a correlation id finds: milliseconds
	searching *sql.DB // what may read the whole table
}

// of is the pool for a search that a person asks for.
func (r *readers) of(q *search) *sql.DB {
	if q.inRuns && q.field != runs.ByMerchant {
		return r.lookups
	}
	return r.searching
}

// open opens the pools. After an error some are open.
func (r *readers) open(path string) (err error) {
	for _, pool := range []struct {
		db          **sql.DB
		connections int
	}{{&r.urgent, 4}, {&r.choosing, 2}, {&r.lookups, 2}, {&r.searching, 2}} {
		if *pool.db, err = connect(path, pool.connections, "query_only(1)"); err != nil {
			return err
		}
	}
	return nil
}

func (r *readers) close() error {
	var errs []error
	for _, db := range []*sql.DB{r.urgent, r.choosing, r.lookups, r.searching} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
