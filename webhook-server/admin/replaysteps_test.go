package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin"
	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// oneStep is how many one step of a replay takes, and many more than two of them.
const (
	oneStep = 10_000
	many    = 2*oneStep + 200
)

// manyDead is a store with that many dead letters of one lane. In the third step something happens to it.
type manyDead struct {
	admin.Store
	dead, steps int
	third       func() error
}

func (s *manyDead) Lanes(context.Context) ([]store.LaneStats, error) {
	return []store.LaneStats{{Lane: shopLane, Dead: s.dead}, {Lane: otherLane, Dead: 7}}, nil
}

func (s *manyDead) Count(_ context.Context, f store.Filter) (int, error) {
	if f.Lane == otherLane {
		return 7, nil
	}
	return s.dead, nil
}

func (s *manyDead) Replay(_ context.Context, f store.Filter, _ time.Time, limit int) (int, error) {
	if f.Lane == otherLane {
		return 0, errors.New("it was not asked for")
	}
	if s.steps++; s.steps == 3 {
		if err := s.third(); err != nil {
			return 0, err
		}
	}
	n := min(limit, s.dead)
	s.dead -= n
	return n, nil
}

func TestAReplayThatFailsHalfWaySaysHowFarItCameAndGoesOn(t *testing.T) {
	w := serve(t, func(_ *world, o *admin.Options) {
		o.Store = &manyDead{Store: o.Store, dead: many, third: func() error { return errors.New("the disk is gone") }}
	})
	ask := fmt.Sprintf(`{"filter":{"state":"Dead","reason":"gone"},"confirmCount":%d,"at":%q}`, many, start.Format(time.RFC3339Nano))
	status, text := w.call(http.MethodPost, "/v1/replays", ask)
	var problem wire.Problem
	if err := json.Unmarshal([]byte(text), &problem); err != nil || status != http.StatusServiceUnavailable || problem.Replayed != 2*oneStep || !problem.At.Equal(start) {
		t.Fatalf("%d %s", status, text)
	}
	var got wire.Replayed
	w.post("/v1/replays", ask, &got)
	if got.Replayed != many-2*oneStep || !got.Done {
		t.Errorf("then %+v", got)
	}
	if lines := w.audits(); len(lines) != 4 || lines[1]["replayed"] != 2.0*oneStep || lines[1]["done"] != false {
		t.Errorf("audit lines %v", lines)
	}
	if w.changed.Load() != 2 {
		t.Errorf("the dispatcher was told %d times", w.changed.Load())
	}
}

func TestAReplayThatRunsOutOfTimeGoesOn(t *testing.T) {
	for _, filter := range []string{`{"state":"Dead","reason":"gone"}`, `{"state":"Dead","namespace":"payments"}`} {
		w := serve(t, func(w *world, o *admin.Options) {
			o.Store = &manyDead{Store: o.Store, dead: 4 * oneStep, third: func() error { w.advance(time.Minute); return nil }}
		})
		ask := fmt.Sprintf(`{"filter":%s,"confirmCount":%d,"at":%q}`, filter, 4*oneStep, start.Format(time.RFC3339Nano))
		var got wire.Replayed
		w.post("/v1/replays", ask, &got)
		if got.Matched != 4*oneStep || got.Replayed != 3*oneStep || got.Done {
			t.Errorf("%+v", got)
		}
		w.post("/v1/replays", ask, &got)
		if got.Replayed != oneStep || !got.Done {
			t.Errorf("then %+v", got)
		}
	}
}

// TestAReplayEndsWhenTheCallerLeavesAndTheLogSaysHowFarItCame: the step under way is done to its end.
func TestAReplayEndsWhenTheCallerLeavesAndTheLogSaysHowFarItCame(t *testing.T) {
	leave := make(chan struct{})
	w := serve(t, func(_ *world, o *admin.Options) {
		o.Store = &manyDead{Store: o.Store, dead: 4 * oneStep, third: func() error { close(leave); return nil }}
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { <-leave; cancel() }()
	ask := fmt.Sprintf(`{"filter":{"state":"Dead","reason":"gone"},"confirmCount":%d}`, 4*oneStep)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/v1/replays", strings.NewReader(ask))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close() // all of it was done before the server saw that the caller had left
	}
	deadline := time.After(10 * time.Second)
	for len(w.audits()) < 2 {
		select {
		case <-deadline:
			t.Fatal("the log does not say how far it came")
		case <-time.After(5 * time.Millisecond):
		}
	}
	if n := w.audits()[1]["replayed"]; n != 3.0*oneStep && n != 4.0*oneStep {
		t.Errorf("the log says %v", n)
	}
}
