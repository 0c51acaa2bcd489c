package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/d1gateway/d1gateway/webhook-server/store/runs"
)

// openRun is a run into which one inserter puts its rows.
type openRun struct {
	number int64
	owner  int64 // told apart from another run with the number
	used   int64
	rows   closedRun // what it will be closed with
}

// left is how many rows the run has room for.
func (r *openRun) left() int { return int(runs.Rows - r.used) }

// take reserves places for rows and answers the seq of the first. It is not known of an insert that failed whether the server has done it, so its places are not used again, and are among
// those that the run is closed with: a slot may point to a row that is not there.
func (r *openRun) take(rows []*appending) (first int64) {
	first = r.number*runs.Rows + r.used
	for i, a := range rows {
		r.rows.add(millis(a.ReceivedAt), first+int64(i), a.Notification)
	}
	r.used += int64(len(rows))
	return first
}

// runKeeper has the next run open before an inserter needs it, renews those that are open, and closes what is full or abandoned. It does so in one goroutine, beside the inserters.
type runKeeper struct {
	s     *Store
	spare chan *openRun

	mu   sync.Mutex
	mine map[int64]*openRun // the open runs, by number: nil until an inserter has left it

	failing map[string]bool // what failed when it was attempted last; of the goroutine

	wake     chan struct{}
	stopping chan struct{}
	stopped  chan struct{}
}

func newRunKeeper(s *Store) *runKeeper {
	return &runKeeper{
		s: s, spare: make(chan *openRun, 1), mine: map[int64]*openRun{}, failing: map[string]bool{},
		wake: make(chan struct{}, 1), stopping: make(chan struct{}), stopped: make(chan struct{}),
	}
}

func (k *runKeeper) start() { go k.run() }

// stop closes the runs that have been left, and the spare one. No inserter may be running.
func (k *runKeeper) stop() {
	close(k.stopping)
	<-k.stopped
}

func (k *runKeeper) run() {
	defer close(k.stopped)
	renew := time.NewTicker(k.s.bounds.renew)
	defer renew.Stop()
	for {
		k.attempt("opening a run failed; an append will wait for the next one", k.openSpare)
		k.attempt("closing a run failed; searches get slower until it succeeds", k.closeLeft)
		select {
		case <-k.wake:
		case <-renew.C:
			k.attempt("renewing open runs failed", k.renew)
			k.attempt("closing abandoned runs failed; searches get slower until it succeeds", k.closeAbandoned)
		case <-k.stopping:
			k.leaveSpare()
			k.attempt("closing the open runs failed; another replica will, or this one when it is back", k.closeLeft)
			return
		}
	}
}

// attempt tells of a failure once, until the same has succeeded.
func (k *runKeeper) attempt(otherwise string, work func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), k.s.bounds.answer)
	defer cancel()
	err := work(ctx)
	if err != nil && !k.failing[otherwise] {
		k.s.log.Warn("keeping runs failed", "what", otherwise, "error", err)
	}
	k.failing[otherwise] = err != nil
}

// next answers a run with all its places free, in exchange for the present one, which may be nil.
func (k *runKeeper) next(ctx context.Context, present *openRun) (*openRun, error) {
	k.leave(present)
	defer k.signal()
	select {
	case r := <-k.spare:
		return r, nil
	default:
		return k.open(ctx)
	}
}

func (k *runKeeper) leaveSpare() {
	select {
	case r := <-k.spare:
		k.leave(r)
	default:
	}
}

func (k *runKeeper) signal() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// open opens a run. A failover that loses the newest transactions may give its number again: the owner tells the two runs apart.
func (k *runKeeper) open(ctx context.Context) (*openRun, error) {
	r := &openRun{owner: newNumbers()}
	err := k.s.writers.QueryRow(ctx, "INSERT INTO open_run (number, owner) SELECT nextval('run_number'), $1 RETURNING number", r.owner).Scan(&r.number)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mine[r.number] = nil
	return r, nil
}

func (k *runKeeper) openSpare(ctx context.Context) error {
	if len(k.spare) > 0 {
		return nil
	}
	r, err := k.open(ctx)
	if err == nil {
		k.spare <- r // only this goroutine fills it
	}
	return err
}

// closeLeft closes the runs that their inserters have left.
func (k *runKeeper) closeLeft(ctx context.Context) error {
	for _, r := range k.left() {
		if err := k.s.closeRunWith(ctx, r); err != nil {
			return err
		}
		k.mu.Lock()
		delete(k.mine, r.number)
		k.mu.Unlock()
	}
	return nil
}

func (k *runKeeper) left() (left []*openRun) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.mine {
		if r != nil {
			left = append(left, r)
		}
	}
	return left
}

// leave says that no more rows will come into the run; it may be nil.
func (k *runKeeper) leave(r *openRun) {
	if r == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mine[r.number] = r
}

// forget says that somebody else has closed the run.
func (k *runKeeper) forget(r *openRun) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.mine, r.number)
}

func (k *runKeeper) numbers() []int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Collect(maps.Keys(k.mine))
}

func (k *runKeeper) renew(ctx context.Context) error {
	all := k.numbers()
	_, err := k.s.claims.Exec(ctx, "UPDATE open_run SET renewed_at = now() WHERE number = ANY($1)", all)
	return err
}

// closeAbandoned closes the runs of replicas that have gone. One that was only slow finds out when it inserts next.
func (k *runKeeper) closeAbandoned(ctx context.Context) error {
	rows, err := k.s.claims.Query(ctx, "SELECT number FROM open_run WHERE renewed_at < now() - make_interval(secs => $1) ORDER BY number", k.s.bounds.abandoned.Seconds())
	if err != nil {
		return err
	}
	abandoned, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return err
	}
	for _, number := range abandoned {
		if err := k.s.closeRun(ctx, number); err != nil {
			return err
		}
	}
	return nil
}

// closeRunWith closes a run of this store, whose rows it knows. When another replica has closed it, there is nothing to do.
func (s *Store) closeRunWith(ctx context.Context, r *openRun) error {
	err := pgx.BeginFunc(ctx, s.claims, func(tx pgx.Tx) error {
		closed, err := tx.Exec(ctx, "DELETE FROM open_run WHERE number = $1 AND owner = $2", r.number, r.owner)
		if err != nil || closed.RowsAffected() == 0 || r.rows.isEmpty() {
			return err
		}
		return r.rows.insert(ctx, tx, r.number)
	})
	if err == nil { // rows may have been pruned already
		_, err = s.claims.Exec(ctx, "DELETE FROM run WHERE "+emptyRuns, []int64{r.number})
	}
	if err != nil {
		return fmt.Errorf("closing run %d: %w", r.number, err)
	}
	return nil
}

func (r *closedRun) isEmpty() bool { return len(r.slots[runs.ByID]) == 0 }
