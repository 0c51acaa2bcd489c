package postgres

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// Numbers come from a sequence, which transactions may commit out of order: one that follows the other replica's would then miss some.
func TestAFollowerMissesNoRevocationOfSeveralReplicas(t *testing.T) {
	stores := openTwo(t)
	const each, writers = 150, 6
	var all sync.WaitGroup
	var ended atomic.Int64
	for w := range writers {
		all.Go(func() {
			defer ended.Add(1)
			for i := range each {
				r := store.Revocation{GatewayID: "MGW_000001", JTI: fmt.Sprintf("jti_%d_%d", w, i), ExpiresAt: began().Add(time.Hour)}
				if err := stores[w%2].Revoke(t.Context(), r); err != nil {
					t.Errorf("revoking: %v", err)
				}
			}
		})
	}
	seen := map[string]bool{}
	var cursor int64
	for last := false; !last; {
		last = ended.Load() == writers // one more time
		list, next, err := stores[0].Revocations(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		cursor = next
		for _, r := range list {
			if seen[r.JTI] {
				t.Errorf("%s was answered twice", r.JTI)
			}
			seen[r.JTI] = true
		}
	}
	all.Wait()
	if len(seen) != each*writers {
		t.Errorf("%d were answered, want %d", len(seen), each*writers)
	}
}

func TestPausesTakeWhatPeopleWrite(t *testing.T) {
	s := openForTest(t)
	p := store.Pause{Lane: "payments/acme/1", Since: began(), By: "ann\x00", Reason: "caf\xe9 down"}
	if err := s.Pause(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	list, err := s.Pauses(t.Context())
	if err != nil || len(list) != 1 || list[0].By != "ann\uFFFD" || list[0].Reason != "caf\uFFFD down" {
		t.Errorf("%+v, %v", list, err)
	}
}
