package revocation_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// list is a store in memory that fails when told to.
type list struct {
	mu     sync.Mutex
	stored []store.Revocation
	pruned []time.Time
	fail   error
}

func (l *list) Revoke(_ context.Context, r store.Revocation) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	l.stored = append(l.stored, r)
	return nil
}

func (l *list) Revocations(_ context.Context, after int64) ([]store.Revocation, int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return nil, after, l.fail
	}
	page := l.stored[after:min(int(after)+store.RevocationPage, len(l.stored))]
	return slices.Clone(page), after + int64(len(page)), nil
}

func (l *list) PruneRevocations(_ context.Context, before time.Time, _ int) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pruned = append(l.pruned, before)
	return 0, l.fail
}

func (l *list) all() []store.Revocation {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.stored)
}

func (l *list) setFail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fail = err
}
