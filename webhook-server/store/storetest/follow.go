package storetest

import "github.com/d1gateway/d1gateway/webhook-server/store"

// followUntil notes the jtis that come, until what was stored before the channel was closed has come.
func (f *fixture) followUntil(stored <-chan struct{}, seen map[string]bool) {
	var cursor int64
	for last := false; !last; {
		select {
		case <-stored:
			last = true // one more time
		default:
		}
		cursor = f.follow(cursor, func(r store.Revocation) { seen[r.JTI] = true })
	}
}

// follow calls found for each revocation after the cursor, page by page, and answers the next cursor.
func (f *fixture) follow(cursor int64, found func(store.Revocation)) int64 {
	for {
		list, next, err := f.Revocations(f.Context(), cursor)
		if err != nil {
			f.Errorf("asking for revocations: %v", err)
			return cursor
		}
		for _, r := range list {
			found(r)
		}
		if cursor = next; len(list) < store.RevocationPage {
			return cursor
		}
	}
}

// revokeAndFind revokes and expects to find it at once after the cursor.
func (f *fixture) revokeAndFind(cursor int64, r store.Revocation) int64 {
	if err := f.Revoke(f.Context(), r); err != nil {
		f.Errorf("revoking: %v", err)
	}
	found := false
	next := f.follow(cursor, func(other store.Revocation) { found = found || other.JTI == r.JTI })
	if !found {
		f.Errorf("%s was stored and is not found after %d", r.JTI, cursor)
	}
	return next
}

func distinct(list []store.Revocation) int {
	jtis := map[string]bool{}
	for _, r := range list {
		jtis[r.JTI] = true
	}
	return len(jtis)
}
