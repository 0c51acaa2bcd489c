package app

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
)

func TestRetentionRemovesWhatIsTooOldAndWhatIsTooMuch(t *testing.T) {
	ctx := context.Background()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s, err := sqlite.Open(ctx, sqlite.Options{Path: filepath.Join(t.TempDir(), "store.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for i := range 20 {
		state := []store.State{store.Delivered, store.Dead}[i%2]
		n := store.Notification{ID: fmt.Sprintf("n-%d", i), GatewayID: "g", MerchantID: "m", TokenID: "t", UpdateType: "u", ReceivedAt: noon, Lane: "a/b/g"}
		if _, err := s.Append(ctx, n); err != nil {
			t.Fatal(err)
		}
		claimed, err := s.Claim(ctx, n.Lane, noon, 1, time.Hour)
		if err != nil || len(claimed) != 1 {
			t.Fatal(claimed, err)
		}
		o := store.Outcome{ID: n.ID, Lease: claimed[0].Lease, State: state, At: noon.Add(time.Duration(i) * time.Minute)}
		if state == store.Dead {
			o.Reason = "gone"
		}
		if err := s.Record(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	keep := map[store.State]kept{store.Delivered: {age: 15 * time.Minute}, store.Dead: {age: 24 * time.Hour, max: 3}}
	r := retention{store: s, keep: keep, now: func() time.Time { return noon.Add(20 * time.Minute) }, logger: slog.New(slog.DiscardHandler)}
	r.prune(ctx)
	r.pruneBeyond(ctx)
	for state, want := range map[store.State]struct{ first, oldest int }{store.Delivered: {0, 6}, store.Dead: {1, 15}} {
		left, err := s.List(ctx, store.Filter{State: state})
		if err != nil {
			t.Fatal(err)
		}
		for i := want.first; i < 20; i += 2 {
			found := slices.ContainsFunc(left, func(r store.Record) bool { return r.ID == fmt.Sprintf("n-%d", i) })
			if found != (i >= want.oldest) {
				t.Errorf("%s n-%d is kept: %t", state, i, found)
			}
		}
	}
}
