package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrSharedSession says that a pooler hands sessions out by transaction or statement. Settings of one connection would then hold for another, synchronous_commit among them.
var ErrSharedSession = errors.New("a pooler between here and PostgreSQL shares sessions between connections: it must be in session mode")

// refusePooler answers ErrSharedSession unless each of two connections finds what it has set in its session. A pooler takes the session that was used last, or the next
// one in turn; so that turns do not fit by chance, the first connection looks once more in each round.
func refusePooler(ctx context.Context, pool *pgxpool.Pool) error {
	var both [2]*pgxpool.Conn
	for i := range both {
		var err error
		if both[i], err = pool.Acquire(ctx); err != nil {
			return err
		}
		defer both[i].Release()
	}
	for round := range 3 {
		for i, conn := range both {
			if _, err := conn.Exec(ctx, "SELECT set_config('d1gateway.session', $1, false)", pgx.QueryExecModeExec, markOf(round, i)); err != nil {
				return fmt.Errorf("setting up a connection: %w", err)
			}
		}
		for look := range 2 + round {
			i := max(0, look-round)
			var mark string
			if err := both[i].QueryRow(ctx, "SELECT coalesce(current_setting('d1gateway.session', true), '')", pgx.QueryExecModeExec).Scan(&mark); err != nil {
				return fmt.Errorf("setting up a connection: %w", err)
			}
			if mark != markOf(round, i) {
				return ErrSharedSession
			}
		}
	}
	return nil
}

func markOf(round, connection int) string { return fmt.Sprintf("%d %d", round, connection) }
