package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/storetest"
)

// repeat is one of several that differ in nothing but their id.
func repeat(id string) store.Notification {
	n := storetest.LoadNotification(1)
	n.ID, n.TokenID, n.Merge = id, "tok", true
	return n
}

// together has all calls wait for the writer, so that they share a commit, and answers once they are done.
func together(t *testing.T, s *Store, calls ...func()) {
	t.Helper()
	release := hold(t, s)
	var all sync.WaitGroup
	for i, call := range calls {
		all.Go(call)
		waitFor(t, func() bool { return len(s.writer.ops) == i+1 })
	}
	release()
	all.Wait()
}

func TestRepeatsOfOneCommitAreMerged(t *testing.T) {
	s, commits := openWith(t, 0)
	ids, errs := make([]string, 3), make([]error, 3)
	call := func(i int) func() {
		return func() { ids[i], errs[i] = s.Append(t.Context(), repeat(fmt.Sprint("msg_", i))) }
	}
	together(t, s, call(0), call(1), call(2))
	for i := range ids {
		if ids[i] != "msg_0" || errs[i] != nil {
			t.Errorf("the %d. is delivered as %q, %v; want as the first", i, ids[i], errs[i])
		}
	}
	if n, err := s.Count(t.Context(), store.Filter{}); err != nil || n != 1 {
		t.Errorf("%d are stored, %v", n, err)
	}
	if got := commits(); len(got) != 1 || got[0].Appends != 3 {
		t.Errorf("commits %+v, want one of 3", got)
	}
}

func TestNothingIsMergedIntoWhatWasNotStored(t *testing.T) {
	s, _ := openWith(t, 0)
	errs := make([]error, 2)
	call := func(i int) func() {
		return func() { _, errs[i] = s.Append(t.Context(), repeat(fmt.Sprint("msg_", i))) }
	}
	together(t, s, call(0), call(1), failing(s))
	for i, err := range errs {
		if !errors.Is(err, errBroken) {
			t.Errorf("the %d.: %v, want the error of the commit", i, err)
		}
	}
	if id, err := s.Append(t.Context(), repeat("msg_2")); err != nil || id != "msg_2" {
		t.Errorf("the next is delivered as %q, %v", id, err)
	}
}

var errBroken = errors.New("broken")

// failing has the commit fail that it shares.
func failing(s *Store) func() {
	return func() {
		_ = s.writer.do(context.Background(), &op{apply: func(*writer) error { return errBroken }}) // which is what it answers
	}
}

// deliverAll appends so many and delivers them.
func deliverAll(t *testing.T, s *Store, count int) {
	t.Helper()
	for i := range count {
		n := storetest.LoadNotification(1)
		if _, err := s.Append(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		claimed, err := s.Claim(t.Context(), n.Lane, n.ReceivedAt, 1, time.Minute)
		if err != nil || len(claimed) != 1 {
			t.Fatalf("claimed %v, %v", claimed, err)
		}
		o := store.Outcome{ID: n.ID, Lease: claimed[0].Lease, State: store.Delivered, At: n.ReceivedAt.Add(time.Duration(i) * time.Millisecond)}
		if err := s.Record(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTwoWhoPruneBeyondInOneCommitLeaveWhatIsToBeKept(t *testing.T) {
	s, _ := openWith(t, 0)
	deliverAll(t, s, 10)
	pruned, errs := make([]int, 2), make([]error, 2)
	call := func(i int) func() {
		return func() { pruned[i], errs[i] = s.PruneBeyond(t.Context(), store.Delivered, 4, 100) }
	}
	together(t, s, call(0), call(1))
	if pruned[0] != 6 || pruned[1] != 0 || errors.Join(errs...) != nil {
		t.Errorf("pruned %v, %v; want 6 and none", pruned, errs)
	}
	if n, err := s.Count(t.Context(), store.Filter{State: store.Delivered}); err != nil || n != 4 {
		t.Errorf("%d are left, %v", n, err)
	}
}

func TestWhatAFailedCommitWouldHaveMadeFinalIsNotCounted(t *testing.T) {
	s, _ := openWith(t, 0)
	deliverAll(t, s, 3)
	n := storetest.LoadNotification(1)
	if _, err := s.Append(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	claimed, err := s.Claim(t.Context(), n.Lane, n.ReceivedAt, 1, time.Minute)
	if err != nil || len(claimed) != 1 {
		t.Fatalf("claimed %v, %v", claimed, err)
	}
	var recorded error
	together(t, s, func() {
		recorded = s.Record(t.Context(), store.Outcome{ID: n.ID, Lease: claimed[0].Lease, State: store.Delivered, At: n.ReceivedAt})
	}, failing(s))
	if !errors.Is(recorded, errBroken) {
		t.Fatalf("recording: %v", recorded)
	}
	if pruned, err := s.PruneBeyond(t.Context(), store.Delivered, 3, 100); err != nil || pruned != 0 {
		t.Errorf("pruned %d, %v; want the three that are delivered to be left", pruned, err)
	}
}

func TestTheSameIsReplayedOnceInOneCommit(t *testing.T) {
	s, _ := openWith(t, 0)
	deliverAll(t, s, 5)
	at := time.Now().Add(time.Minute)
	replayed, errs := make([]int, 2), make([]error, 2)
	call := func(i int) func() {
		return func() { replayed[i], errs[i] = s.Replay(t.Context(), store.Filter{}, at, 100) }
	}
	together(t, s, call(0), call(1))
	if replayed[0] != 5 || replayed[1] != 0 || errors.Join(errs...) != nil {
		t.Errorf("replayed %v, %v; want 5 and none", replayed, errs)
	}
}
