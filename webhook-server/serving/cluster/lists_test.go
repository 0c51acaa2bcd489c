package cluster

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving/lastgood"
)

// hand is a source whose lists are handed to it by the test, in a bubble of synctest.
type hand struct {
	*fixture.World
	t      *testing.T
	state  *serving.State
	source *Source
}

// newHand runs it over a copy in that directory, or none. Nothing but the test ends the patience of ten minutes.
func newHand(t *testing.T, dir string) *hand {
	t.Helper()
	h := &hand{World: fixture.New(t), t: t, state: serving.NewState(slog.New(slog.DiscardHandler))}
	o := Options{Namespace: namespace, State: h.state, Patience: 10 * time.Minute, Logger: slog.New(slog.DiscardHandler)}
	if dir != "" {
		var err error
		if o.Copy, err = lastgood.Open(dir, o.Logger); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if h.source, err = newSource(fake.NewClientset(), o); err != nil {
		t.Fatal(err)
	}
	h.source.reflectors = nil
	ctx, cancel := context.WithCancel(t.Context())
	go h.source.Run(ctx)
	t.Cleanup(func() { cancel(); synctest.Wait() })
	return h
}

// list hands over a list, and waits until the source has done with it.
func (h *hand) list(to *objects, version string, objects ...runtime.Object) {
	h.t.Helper()
	all := make([]any, len(objects))
	for i, o := range objects {
		all[i] = o
	}
	if err := to.Replace(all, version); err != nil {
		h.t.Fatal(err)
	}
	h.settle()
}

// settle waits for what was noted to be applied, and for the rest after it.
func (h *hand) settle() {
	time.Sleep(2 * longestRest) // of the bubble's time
	synctest.Wait()
}

func TestNothingIsServedBeforeBothListsAreThere(t *testing.T) {
	for name, gatewayFirst := range map[string]bool{"ConfigMaps first": true, "Secrets first": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHand(t, "")
				lists := []func(){
					func() { h.list(h.source.configMaps, "5", object(t, h.Gateway)) },
					func() { h.list(h.source.secrets, "7", object(t, h.Secrets), object(t, h.Client)) },
				}
				if !gatewayFirst {
					lists[0], lists[1] = lists[1], lists[0]
				}
				lists[0]()
				if s := h.state.Served(); h.state.Synced() || s.Documents != 0 || s.ConfigMaps+s.Secrets != "" {
					t.Fatalf("after one list served are %+v", s)
				}
				lists[1]()
				if s := h.state.Served(); !h.state.Synced() || s.Documents != 3 || s.ConfigMaps != "5" || s.Secrets != "7" || served(h.state) == nil {
					t.Errorf("after both served are %+v", s)
				}
			})
		})
	}
}

func TestOneListAloneDoesNotReplaceTheCopy(t *testing.T) {
	dir := t.TempDir() + "/copy"
	synctest.Test(t, func(t *testing.T) {
		h := newHand(t, dir)
		h.list(h.source.configMaps, "5", object(t, h.Gateway))
		h.list(h.source.secrets, "7", object(t, h.Secrets), object(t, h.Client))
	})
	synctest.Test(t, func(t *testing.T) {
		h := newHand(t, dir)
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		if h.state.Synced() {
			t.Fatal("the copy is served while the API server still has time")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if !h.state.Synced() || !h.state.Stale() || served(h.state) == nil {
			t.Fatalf("the copy is not served: %+v", h.state.Served())
		}
		h.list(h.source.configMaps, "15")
		if !h.state.Stale() || served(h.state) == nil {
			t.Error("one list has replaced the copy")
		}
		h.list(h.source.secrets, "16", object(t, h.Secrets), object(t, h.Client))
		if s := h.state.Served(); h.state.Stale() || served(h.state) != nil || s.Documents != 2 || s.ConfigMaps != "15" {
			t.Errorf("after both served are %+v", s)
		}
	})
}
