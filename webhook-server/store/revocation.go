package store

import (
	"context"
	"time"
)

// RevocationPage is the most that one call of Revocations answers.
const RevocationPage = 1000

// Revocation ends one access token before its time (RFC 7009).
type Revocation struct {
	// GatewayID and JTI name the token: the merchantGatewayId that it was issued for and its jti claim. Neither may be empty.
	GatewayID, JTI string
	// ExpiresAt is from when on nothing needs to remember the revocation: the token's exp and the skew allowed, which the caller adds.
	// It must be set. The store keeps it to the millisecond, further fractions are dropped.
	ExpiresAt time.Time
}

// RevocationList remembers the revoked tokens for all that share the store.
//
// A replica learns of them by following a cursor, which begins at 0. It goes on at once while an answer has RevocationPage entries,
// else after a pause. It may rely on this:
//   - Once any replica's Revoke has returned nil, a call of Revocations that begins later, by any replica, finds the revocation after
//     every cursor answered until then, unless it was before that cursor or has been pruned. So the time until a revocation is
//     effective everywhere is the pause and one call.
//   - What becomes visible late is never before a cursor that has been answered, whatever the order of the commits.
//   - Cursors stay good when the store is pruned, closed and opened again. Only what a store has answered is a cursor of it.
//
// It may not rely on being told only once: a token revoked again with a later ExpiresAt is answered again.
type RevocationList interface {
	// Revoke stores r and returns once it is durable, as Append does. Revoking again is no error; the later ExpiresAt counts.
	// ErrFull (wrapped) when there is no room; any error means that the client must ask again (RFC 7009 section 2.2.1).
	Revoke(ctx context.Context, r Revocation) error

	// Revocations answers the first up to RevocationPage after the cursor, in the order stored, and the cursor to go on from: it is
	// beyond after when there are any, else after itself. What has expired is answered too, until it is pruned.
	Revocations(ctx context.Context, after int64) (list []Revocation, next int64, err error)

	// PruneRevocations removes up to limit of those whose ExpiresAt is before the instant, the earliest first, and says how many it removed.
	PruneRevocations(ctx context.Context, before time.Time, limit int) (int, error)
}
