package postgres

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// What was delivered is removed for the sake of room; no other shortage is one of room.
func TestOnlyAFullDiskIsAFullStore(t *testing.T) {
	for code, full := range map[string]bool{
		"53000": false, "53100": true, "53200": false, "53300": false, "53400": false, "57P03": false, "40P01": false,
	} {
		if got := errors.Is(asStoreError(&pgconn.PgError{Code: code}), store.ErrFull); got != full {
			t.Errorf("%s: full is %t", code, got)
		}
	}
}
