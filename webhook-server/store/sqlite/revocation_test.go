package sqlite_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
)

// revocationOf revokes the token whose jti is the number.
func revocationOf(number int) store.Revocation {
	return store.Revocation{GatewayID: "MGW_000001", JTI: strconv.Itoa(number), ExpiresAt: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
}

// revokeForEver prints each jti once Revoke has returned.
func revokeForEver(ctx context.Context, path string) error {
	s, err := sqlite.Open(ctx, options(path))
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		r := revocationOf(i)
		if err := s.Revoke(ctx, r); err != nil {
			return err
		}
		fmt.Println(r.JTI)
	}
}

func TestEveryRevocationSurvivesSIGKILL(t *testing.T) {
	path := newPath(t)
	acknowledged := killAfter(t, 1500, "revoke", path) // more than one page
	revoked := revokedJTIs(t, open(t, path))
	for _, jti := range acknowledged {
		if !revoked[jti] {
			t.Fatalf("%s was acknowledged and is gone", jti)
		}
	}
}

func revokedJTIs(t *testing.T, s store.RevocationList) map[string]bool {
	t.Helper()
	revoked := map[string]bool{}
	var cursor int64
	for {
		list, next, err := s.Revocations(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			revoked[r.JTI] = true
		}
		if len(list) < store.RevocationPage {
			return revoked
		}
		cursor = next
	}
}
