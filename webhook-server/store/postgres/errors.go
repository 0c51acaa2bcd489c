package postgres

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// ErrNewerSchema says that a newer release has changed the database in a way that this one cannot live with.
var ErrNewerSchema = errors.New("store was migrated by a newer release")

var errNoURL = errors.New("the connection URL must begin with postgres:// or postgresql://")

// diskFull is the only code that means store.ErrFull, for which retention removes what was delivered. The others of its class (no connection left, no memory, a limit of the
// configuration) end without that, and removing rows would not end them.
const diskFull = "53100"

// asStoreError wraps err with the store's own error where it means that: every method's error goes through it.
func asStoreError(err error) error {
	if err == nil || errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrClosed) {
		return err
	}
	if errors.Is(err, puddle.ErrClosedPool) {
		return fmt.Errorf("%w: %w", store.ErrClosed, err)
	}
	if sqlState(err) == diskFull {
		return fmt.Errorf("%w: %w", store.ErrFull, err)
	}
	return err
}

// sqlState is the server's code for an error, or empty for another error.
func sqlState(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
