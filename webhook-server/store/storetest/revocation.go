package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var revocationTests = []conformanceTest{
	{"nothing has been revoked: an empty answer and the same cursor", func(f *fixture) {
		f.wantRevocations(0)
	}},
	{"in the order revoked, and only what is new after the cursor", func(f *fixture) {
		f.revoke(revocation(3, 30), revocation(1, 10))
		cursor := f.wantRevocations(0, revocation(3, 30), revocation(1, 10))
		if again := f.wantRevocations(cursor); again != cursor {
			f.Errorf("the cursor went from %d to %d with nothing new", cursor, again)
		}
		f.revoke(revocation(2, 20))
		f.wantRevocations(cursor, revocation(2, 20))
		f.wantRevocations(0, revocation(3, 30), revocation(1, 10), revocation(2, 20))
	}},
	{"the expiry is kept to the millisecond", func(f *fixture) {
		r := revocation(1, 0)
		r.ExpiresAt = after(7).Add(123 * time.Millisecond)
		f.revoke(r)
		f.wantRevocations(0, r)
	}},
	{"a full page, then the rest", func(f *fixture) {
		const rest = 5
		f.revokeMany(store.RevocationPage + rest)
		first, next, err := f.Revocations(f.Context(), 0)
		if err != nil || len(first) != store.RevocationPage {
			f.Fatalf("%d in the first answer, %v; want %d", len(first), err, store.RevocationPage)
		}
		second, last, err := f.Revocations(f.Context(), next)
		if err != nil || len(second) != rest {
			f.Fatalf("%d in the second answer, %v; want %d", len(second), err, rest)
		}
		if next <= 0 || last <= next {
			f.Errorf("cursors 0, %d, %d do not grow", next, last)
		}
		if got := distinct(slices.Concat(first, second)); got != store.RevocationPage+rest {
			f.Errorf("%d different ones, want %d", got, store.RevocationPage+rest)
		}
	}},
	{"revoking twice: answered once", func(f *fixture) {
		f.revoke(revocation(1, 10), revocation(1, 10))
		cursor := f.wantRevocations(0, revocation(1, 10))
		f.revoke(revocation(1, 10), revocation(1, 9))
		f.wantRevocations(cursor)
		f.wantRevocations(0, revocation(1, 10))
	}},
	{"revoking again with a later expiry: answered again, and kept that long", func(f *fixture) {
		f.revoke(revocation(1, 10))
		cursor := f.wantRevocations(0, revocation(1, 10))
		f.revoke(revocation(1, 20))
		f.wantRevocations(cursor, revocation(1, 20))
		f.wantPruned(15, 10, 0)
		f.wantPruned(21, 10, 1)
	}},
	{"the same jti of another gateway is another token", func(f *fixture) {
		other := revocation(1, 20)
		other.GatewayID = "MGW_000002"
		f.revoke(revocation(1, 10), other)
		f.wantRevocations(0, revocation(1, 10), other)
	}},
	{"a revocation that names no token or no end is refused", func(f *fixture) {
		for _, r := range []store.Revocation{
			{JTI: "jti", ExpiresAt: after(1)},
			{GatewayID: "MGW_000001", ExpiresAt: after(1)},
			{GatewayID: "MGW_000001", JTI: "jti"},
		} {
			if err := f.Revoke(f.Context(), r); err == nil {
				f.Errorf("%+v was stored", r)
			}
		}
		f.wantRevocations(0)
	}},
	{"pruning removes only what expired before the instant, the earliest first", func(f *fixture) {
		f.revoke(revocation(1, 50), revocation(2, 10), revocation(3, 30), revocation(4, 20), revocation(5, 40))
		f.wantPruned(10, 10, 0)
		f.wantPruned(40, 2, 2)
		f.wantRevocations(0, revocation(1, 50), revocation(3, 30), revocation(5, 40))
		f.wantPruned(40, 10, 1)
		f.wantRevocations(0, revocation(1, 50), revocation(5, 40))
		f.wantPruned(1000, 0, 0)
	}},
	{"pruning many at once", func(f *fixture) {
		f.revokeMany(700)
		f.wantPruned(1000, 650, 650)
		f.wantPruned(1000, 650, 50)
		f.wantRevocations(0)
	}},
	{"a cursor stays good when the newest are pruned: the next one is not passed over", func(f *fixture) {
		f.revoke(revocation(1, 10), revocation(2, 20))
		cursor := f.wantRevocations(0, revocation(1, 10), revocation(2, 20))
		f.wantPruned(100, 10, 2)
		f.revoke(revocation(3, 30))
		f.wantRevocations(cursor, revocation(3, 30))
	}},
	{"what was revoked survives a restart, and cursors from before it stay good", func(f *fixture) {
		f.revoke(revocation(1, 10), revocation(2, 20), revocation(3, 30))
		cursor := f.wantRevocations(0, revocation(1, 10), revocation(2, 20), revocation(3, 30))
		f.reopen()
		f.wantRevocations(0, revocation(1, 10), revocation(2, 20), revocation(3, 30))
		f.wantPruned(100, 10, 3)
		f.reopen()
		f.revoke(revocation(1, 10), revocation(4, 40))
		f.wantRevocations(cursor, revocation(1, 10), revocation(4, 40))
	}},
	{"a context that has ended: either not stored and an error, or stored and none", func(f *fixture) {
		ended, cancel := context.WithCancel(f.Context())
		cancel()
		var stored []store.Revocation
		for i := range 100 {
			err := f.Revoke(ended, revocation(i, 10))
			switch {
			case err == nil:
				stored = append(stored, revocation(i, 10))
			case !errors.Is(err, context.Canceled):
				f.Errorf("revoking: %v", err)
			}
		}
		f.wantRevocations(0, stored...)
		if list, next, err := f.Revocations(ended, 0); !errors.Is(err, context.Canceled) || len(list) != 0 || next != 0 {
			f.Errorf("asking: %d, cursor %d, %v", len(list), next, err)
		}
		n, err := f.PruneRevocations(ended, after(100), 100)
		if err != nil && (!errors.Is(err, context.Canceled) || n != 0) {
			f.Errorf("pruning: %d, %v", n, err)
		}
		f.wantPruned(100, 100, len(stored)-n)
	}},
	{"while 32 revoke at once: each is found as soon as it is stored, and one who follows misses none", func(f *fixture) {
		const revokers, each = 32, 20
		stored := make(chan struct{})
		var follower, all sync.WaitGroup
		seen := map[string]bool{}
		follower.Go(func() { f.followUntil(stored, seen) })
		for p := range revokers {
			all.Go(func() {
				var cursor int64
				for i := range each {
					cursor = f.revokeAndFind(cursor, revocation(p*each+i, 10))
				}
			})
		}
		all.Wait()
		close(stored)
		follower.Wait()
		if len(seen) != revokers*each {
			f.Errorf("the follower has seen %d, want %d", len(seen), revokers*each)
		}
	}},
}

// revocation is the one with the number given, of a token that expires so many seconds into the test.
func revocation(number, expires int) store.Revocation {
	return store.Revocation{GatewayID: "MGW_000001", JTI: fmt.Sprintf("jti_%06d", number), ExpiresAt: after(expires)}
}

func (f *fixture) revoke(all ...store.Revocation) {
	f.Helper()
	for _, r := range all {
		if err := f.Revoke(f.Context(), r); err != nil {
			f.Fatalf("revoking %s: %v", r.JTI, err)
		}
	}
}

// revokeMany revokes so many, 64 at once.
func (f *fixture) revokeMany(count int) {
	f.Helper()
	var all sync.WaitGroup
	for p := range 64 {
		all.Go(func() {
			for i := p; i < count; i += 64 {
				if err := f.Revoke(f.Context(), revocation(i, 10)); err != nil {
					f.Errorf("revoking %d: %v", i, err)
				}
			}
		})
	}
	all.Wait()
}

// wantRevocations expects exactly these after the cursor, fewer than a page, and answers the next cursor.
func (f *fixture) wantRevocations(cursor int64, want ...store.Revocation) int64 {
	f.Helper()
	got, next, err := f.Revocations(f.Context(), cursor)
	if err != nil {
		f.Fatalf("asking for revocations: %v", err)
	}
	same := func(a, b store.Revocation) bool {
		return a.GatewayID == b.GatewayID && a.JTI == b.JTI && a.ExpiresAt.Equal(b.ExpiresAt)
	}
	if !slices.EqualFunc(got, want, same) {
		f.Errorf("after %d: %+v, want %+v", cursor, got, want)
	}
	if len(got) > 0 && next <= cursor || len(got) == 0 && next != cursor {
		f.Errorf("%d answered, the cursor went from %d to %d", len(got), cursor, next)
	}
	return next
}

// wantPruned prunes what expired before so many seconds into the test.
func (f *fixture) wantPruned(before, limit, want int) {
	f.Helper()
	if got, err := f.PruneRevocations(f.Context(), after(before), limit); err != nil || got != want {
		f.Errorf("pruned %d, %v; want %d", got, err, want)
	}
}
