package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// laneNames knows the dictionary of lanes. Its rows are never removed or changed, so what was read once stays true.
type laneNames struct {
	pool  *pgxpool.Pool
	bound time.Duration // for each question

	mu     sync.RWMutex
	byName map[string]int32
	byID   map[int32]string
}

func newLaneNames(pool *pgxpool.Pool, bound time.Duration) *laneNames {
	return &laneNames{pool: pool, bound: bound, byName: map[string]int32{}, byID: map[int32]string{}}
}

// find answers a lane's number; known is false when no notification has ever been in it.
func (l *laneNames) find(ctx context.Context, name string) (id int32, known bool, err error) {
	if id, known = l.cached(name); known {
		return id, true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.bound)
	defer cancel()
	err = l.pool.QueryRow(ctx, "SELECT id FROM lane WHERE name = $1", name).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("looking up a lane: %w", err)
	}
	l.learn(name, id)
	return id, true, nil
}

func (l *laneNames) cached(name string) (id int32, known bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	id, known = l.byName[name]
	return id, known
}

func (l *laneNames) learn(name string, id int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byName[name], l.byID[id] = id, name
}

// name answers the name of a lane that a row refers to.
func (l *laneNames) name(ctx context.Context, id int32) (string, error) {
	l.mu.RLock()
	name, known := l.byID[id]
	l.mu.RUnlock()
	if known {
		return name, nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.bound)
	defer cancel()
	if err := l.pool.QueryRow(ctx, "SELECT name FROM lane WHERE id = $1", id).Scan(&name); err != nil {
		return "", fmt.Errorf("looking up a lane: %w", err)
	}
	l.learn(name, id)
	return name, nil
}

// enter answers a lane's number and gives it one when it has none. A number is only used for an insert that commits after this one, and so is never lost.
func (l *laneNames) enter(ctx context.Context, name string) (int32, error) {
	if id, known := l.cached(name); known {
		return id, nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.bound)
	defer cancel()
	for {
		id, known, err := l.find(ctx, name)
		if known || err != nil {
			return id, err
		}
		if _, err := l.pool.Exec(ctx, "INSERT INTO lane (name) VALUES ($1) ON CONFLICT DO NOTHING", name); err != nil {
			return 0, fmt.Errorf("entering a lane: %w", err)
		}
	}
}
