package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// laneID is a lane's number: the beginning of a hash of its name. So it is the same whatever server a replica talks to. A number that a server gave would be another lane's after
// a failover to a standby that had not got the newest rows.
func laneID(name string) int64 {
	sum := sha256.Sum256([]byte(name))
	return int64(binary.BigEndian.Uint64(sum[:8])) // #nosec G115 -- the same bits
}

// laneNames knows names of lanes by their number.
type laneNames struct {
	pool  *pgxpool.Pool
	bound time.Duration // for each question
	log   *slog.Logger

	mu      sync.RWMutex
	byID    map[int64]string
	missing map[int64]bool // those that have been told of
}

func newLaneNames(pool *pgxpool.Pool, bound time.Duration, log *slog.Logger) *laneNames {
	return &laneNames{pool: pool, bound: bound, log: log, byID: map[int64]string{}, missing: map[int64]bool{}}
}

// number answers a lane's number. It fails when another lane is known to have the same: of 100,000 lanes two have with a chance of one in 2^31.
func (l *laneNames) number(name string) (int64, error) {
	id := laneID(name)
	l.mu.RLock()
	defer l.mu.RUnlock()
	if other, known := l.byID[id]; known && other != name {
		return 0, fmt.Errorf("lanes %q and %q have the same number", name, other)
	}
	return id, nil
}

func (l *laneNames) learn(names map[int64]string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.Copy(l.byID, names)
}

// namesOf answers the names of lanes that rows refer to. A number without a name is left out, so that it holds no other lane up: no program of ours leaves such rows.
func (l *laneNames) namesOf(ctx context.Context, ids []int64) (map[int64]string, error) {
	names := make(map[int64]string, len(ids))
	unknown := l.cached(ids, names)
	if len(unknown) == 0 {
		return names, nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.bound)
	defer cancel()
	found, err := readLanes(ctx, l.pool, unknown)
	if err != nil {
		return nil, err
	}
	l.learn(found)
	maps.Copy(names, found)
	for _, id := range unknown {
		if _, ok := found[id]; !ok {
			l.tellMissing(id)
		}
	}
	return names, nil
}

// cached puts those that are known into names and answers the others.
func (l *laneNames) cached(ids []int64, names map[int64]string) (unknown []int64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, id := range ids {
		if name, known := l.byID[id]; known {
			names[id] = name
		} else {
			unknown = append(unknown, id)
		}
	}
	return unknown
}

func (l *laneNames) tellMissing(id int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.missing[id] {
		l.missing[id] = true
		l.log.Error("notifications are in a lane that has no name in the database; nobody delivers them", "number", id)
	}
}

// querier is a connection, a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func readLanes(ctx context.Context, from querier, ids []int64) (map[int64]string, error) {
	rows, err := from.Query(ctx, "SELECT id, name FROM lane WHERE id = ANY($1)", ids)
	if err != nil {
		return nil, fmt.Errorf("looking up lanes: %w", err)
	}
	found := make(map[int64]string, len(ids))
	var id int64
	var name string
	if _, err := pgx.ForEachRow(rows, []any{&id, &name}, func() error { found[id] = name; return nil }); err != nil {
		return nil, fmt.Errorf("looking up lanes: %w", err)
	}
	return found, nil
}

// enteredLanes is where a connection keeps which lanes its server is known to have.
const enteredLanes = "d1gateway lanes"

// enter sees to it that the server behind the connection has the names of the lanes, durably, before any row refers to them. What is known of a server is forgotten with the connection:
// the next one may lead to a standby that has become the primary without the newest rows.
func (l *laneNames) enter(ctx context.Context, conn *pgx.Conn, wanted map[int64]string) error {
	if len(wanted) == 0 {
		return nil
	}
	ids := slices.Sorted(maps.Keys(wanted)) // in one order, so that two that enter several do not wait for each other
	found, err := readLanes(ctx, conn, ids)
	if err != nil {
		return err
	}
	if len(found) < len(wanted) {
		names := make([]string, len(ids))
		for i, id := range ids {
			names[i] = wanted[id]
		}
		if _, err := conn.Exec(ctx, "INSERT INTO lane (id, name) SELECT unnest($1::bigint[]), unnest($2::text[]) ON CONFLICT DO NOTHING", ids, names); err != nil {
			return fmt.Errorf("entering lanes: %w", err)
		}
		if found, err = readLanes(ctx, conn, ids); err != nil {
			return err
		}
	}
	l.learn(found)
	entered := lanesOf(conn)
	for id, name := range wanted {
		if found[id] != name {
			return fmt.Errorf("entering lane %q: its number is that of %q", name, found[id])
		}
		entered[id] = struct{}{}
	}
	return nil
}

// lanesOf answers which lanes have been entered by way of the connection.
func lanesOf(conn *pgx.Conn) map[int64]struct{} {
	data := conn.PgConn().CustomData()
	entered, ok := data[enteredLanes].(map[int64]struct{})
	if !ok {
		entered = map[int64]struct{}{}
		data[enteredLanes] = entered
	}
	return entered
}

// enterLanesOf enters those lanes of a group that have not been.
func (l *laneNames) enterLanesOf(ctx context.Context, conn *pgx.Conn, group []*request[*appending]) error {
	entered := lanesOf(conn)
	var wanted map[int64]string
	for _, r := range group {
		if _, ok := entered[r.work.lane]; ok {
			continue
		}
		if wanted == nil {
			wanted = map[int64]string{}
		}
		wanted[r.work.lane] = r.work.Lane
	}
	return l.enter(ctx, conn, wanted)
}
