package postgres

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// traffic is what replicas do while a backup is taken, and what they were told.
type traffic struct {
	t    *testing.T
	done sync.WaitGroup

	mu        sync.Mutex
	accepted  map[string]bool
	delivered map[string]bool
	progress  *sync.Cond
}

// startTraffic has both replicas accept and deliver until the context ends.
func startTraffic(ctx context.Context, t *testing.T, replicas [2]*Store) *traffic {
	w := &traffic{t: t, accepted: map[string]bool{}, delivered: map[string]bool{}}
	w.progress = sync.NewCond(&w.mu)
	for i, s := range replicas {
		for producer := range 4 {
			w.done.Go(func() { w.accept(ctx, s, fmt.Sprintf("msg_%d_%d", i, producer)) })
		}
		w.done.Go(func() { w.deliver(ctx, s) })
	}
	return w
}

func (w *traffic) accept(ctx context.Context, s *Store, prefix string) {
	defer w.progress.Broadcast() // an error must not leave anybody waiting
	for i := 0; ctx.Err() == nil; i++ {
		n := store.Notification{
			ID: fmt.Sprintf("%s_%d", prefix, i), GatewayID: "MGW_000001", MerchantID: "40010000001", TokenID: prefix, UpdateType: "CARD_UPDATE", CorrelationID: prefix,
			ReceivedAt: began().Add(time.Duration(i) * time.Millisecond), Lane: backupLane, Ordered: i%10 == 0,
		}
		if _, err := s.Append(context.WithoutCancel(ctx), n); err != nil {
			w.t.Errorf("appending: %v", err)
			return
		}
		w.mu.Lock()
		w.accepted[n.ID] = true
		w.progress.Broadcast()
		w.mu.Unlock()
	}
}

const backupLane = "payments/acme/a"

// deliver delivers half of what it claims; the other half keeps its claim, as of a replica that is killed.
func (w *traffic) deliver(ctx context.Context, s *Store) {
	for i := 0; ctx.Err() == nil; i++ {
		claimed, err := s.Claim(context.WithoutCancel(ctx), backupLane, began().Add(time.Hour), 1, time.Minute)
		if err != nil {
			w.t.Errorf("claiming: %v", err)
			return
		}
		for _, d := range claimed {
			if d.TokenID[len(d.TokenID)-1] == '0' {
				continue
			}
			w.mu.Lock()
			w.delivered[d.ID] = true // before it is: the backup may have the outcome before this knows of it
			w.mu.Unlock()
			if err := s.Record(context.WithoutCancel(ctx), store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: began().Add(time.Hour)}); err != nil {
				w.t.Errorf("recording: %v", err)
			}
		}
	}
}

// await waits until so many are accepted, and answers them.
func (w *traffic) await(count int) map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.accepted) < count && !w.t.Failed() {
		w.progress.Wait()
	}
	all := make(map[string]bool, len(w.accepted))
	for id := range w.accepted {
		all[id] = true
	}
	return all
}

// What was acknowledged before the backup began is in it, and what had not been delivered is delivered by whoever opens it.
func TestABackupTakenUnderLoadHasEverythingAcknowledgedBefore(t *testing.T) {
	databaseURL := server.Database(t)
	replicas := [2]*Store{openAt(t, databaseURL), openAt(t, databaseURL)}
	revoked := store.Revocation{GatewayID: "MGW_000001", JTI: "jti_1", ExpiresAt: began().Add(time.Hour)}
	if err := replicas[0].Revoke(t.Context(), revoked); err != nil {
		t.Fatal(err)
	}
	load, stop := context.WithCancel(t.Context())
	w := startTraffic(load, t, replicas)
	before := w.await(5000) // more than a run
	file := filepath.Join(server.Folder(), t.Name()+".dump")
	err := server.Dump(t.Context(), databaseURL, file)
	stop()
	w.done.Wait()
	if err != nil {
		t.Fatal(err)
	}

	restoredURL, err := server.Restore(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	s := openAt(t, restoredURL)
	if s.ID() != replicas[0].ID() {
		t.Errorf("the restored store is named %s, want %s", s.ID(), replicas[0].ID())
	}
	if list, _, err := s.Revocations(t.Context(), 0); err != nil || len(list) != 1 || list[0] != revoked {
		t.Errorf("revocations %v, %v", list, err)
	}
	waiting := map[string]bool{}
	for id := range before {
		rec, err := s.Get(t.Context(), id)
		if err != nil {
			t.Fatalf("getting %s, acknowledged before the backup: %v", id, err)
		}
		switch {
		case rec.State == store.Waiting:
			waiting[id] = true
		case !w.delivered[id]:
			t.Errorf("%s is %s, and nobody has delivered it", id, rec.State)
		}
	}
	deliverAll(t, s, waiting)
}

// deliverAll delivers everything in the restored store, claims of the replicas that have gone included, and new ones beside it.
func deliverAll(t *testing.T, s *Store, waiting map[string]bool) {
	t.Helper()
	late := began().Add(24 * time.Hour)
	for i := range 50 {
		n := store.Notification{ID: fmt.Sprintf("msg_new_%d", i), TokenID: fmt.Sprint(i), ReceivedAt: late, Lane: backupLane}
		if _, err := s.Append(t.Context(), n); err != nil {
			t.Fatalf("appending to the restored store: %v", err)
		}
		waiting[n.ID] = true
	}
	for {
		claimed, err := s.Claim(t.Context(), backupLane, late, 500, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if len(claimed) == 0 {
			break
		}
		var all sync.WaitGroup
		for _, d := range claimed {
			delete(waiting, d.ID)
			all.Go(func() {
				if err := s.Record(t.Context(), store.Outcome{ID: d.ID, Lease: d.Lease, State: store.Delivered, At: late}); err != nil {
					t.Errorf("recording: %v", err)
				}
			})
		}
		all.Wait()
	}
	if len(waiting) > 0 {
		t.Errorf("%d that waited are not delivered", len(waiting))
	}
}
