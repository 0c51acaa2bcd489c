package serving_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// changed says whether the state has told of a change since it was last asked.
func changed(s *serving.State) bool {
	select {
	case <-s.Changes():
		return true
	default:
		return false
	}
}

func TestChangesTellOfWhatServedOrTheSnapshotSayAnew(t *testing.T) {
	w := fixture.New(t)
	client := encode(t, w.Client)
	changed(w.State)
	for _, step := range []struct {
		name  string
		batch serving.Batch
		want  bool
	}{
		{"nothing", serving.Batch{}, false},
		{"what is there already", serving.Batch{Updates: []serving.Update{client}}, false},
		{"a version", serving.Batch{Secrets: "7"}, true},
		{"the same version", serving.Batch{Secrets: "7"}, false},
		{"a version of the other resource", serving.Batch{Secrets: "7", ConfigMaps: "7"}, true},
		{"a version that is lower", serving.Batch{Secrets: "6"}, true},
		{"a problem", serving.Batch{Updates: []serving.Update{{Object: client.Object, Data: []byte("{")}}}, true},
		{"the end of a problem", serving.Batch{Updates: []serving.Update{client}}, true},
		{"a deletion", serving.Batch{Updates: []serving.Update{{Object: client.Object}}}, true},
		{"the deletion of what is not there", serving.Batch{Updates: []serving.Update{{Object: client.Object}}}, false},
		{"a copy", serving.Batch{Copy: true}, true},
		{"what replaces the copy", serving.Batch{}, true},
	} {
		before := w.Snapshot()
		w.State.ApplyBatch(step.batch)
		if got := changed(w.State); got != step.want || changed(w.State) {
			t.Errorf("%s: told of is %v", step.name, got)
		}
		if !step.want && w.Snapshot() != before {
			t.Errorf("%s: there is another snapshot", step.name)
		}
	}
	if s := w.State.Served(); s.ConfigMaps != "7" || s.Secrets != "6" || s.Documents != 2 || len(s.Problems) != 0 {
		t.Errorf("served are %+v", s)
	}
}

func TestManyChangesAreOneSignal(t *testing.T) {
	w := fixture.New(t)
	for range 3 {
		w.Delete(w.Client)
		w.State.Apply([]serving.Update{encode(t, w.Client)})
	}
	if !changed(w.State) || changed(w.State) {
		t.Error("they are not one")
	}
}

func TestACopyIsIncompleteUntilItIsReplaced(t *testing.T) {
	w := fixture.New(t)
	state := serving.NewState(slog.New(slog.DiscardHandler))
	all := []serving.Update{encode(t, w.Gateway), encode(t, w.Secrets), encode(t, w.Client)}
	state.ApplyBatch(serving.Batch{Updates: all, Copy: true})
	if !state.Stale() || !state.Snapshot().Incomplete() || state.Snapshot().Client("h", fixture.TokenPath, fixture.ClientID) == nil {
		t.Error("the copy is not served as one")
	}
	state.ApplyBatch(serving.Batch{Updates: all, ConfigMaps: "3", Secrets: "4"})
	if state.Stale() || state.Snapshot().Incomplete() || state.Snapshot().Client("h", fixture.TokenPath, fixture.ClientID) == nil {
		t.Error("the copy is not replaced")
	}
}

func TestADrainingGatewayIsFoundByNothingThatAnswersD1(t *testing.T) {
	w := fixture.New(t)
	w.Gateway.Hostnames = []string{"d1.acme.example"}
	w.Publish()
	w.Gateway.Draining = true
	w.Publish()
	s := w.Snapshot()
	drained := s.Draining()
	if len(drained) != 1 || drained[0].Name != w.Gateway.Name || drained[0].Destination(fixture.MerchantID) == nil {
		t.Fatalf("draining are %v", drained)
	}
	host := "d1.acme.example"
	for range s.GatewaysOn(host) {
		t.Error("it is on its host")
	}
	for range s.Clients() {
		t.Error("its client is listed")
	}
	if len(s.Gateways()) != 0 || s.Gateway(host, fixture.GatewayID) != nil || s.GatewayAt(host, "/merchant-gateways/"+fixture.GatewayID) != nil ||
		s.IsTokenPath(host, fixture.TokenPath) || s.Client(host, fixture.TokenPath, fixture.ClientID) != nil || s.ClientOf(drained[0], fixture.ClientID) != nil {
		t.Error("it is found")
	}
	if s.Incomplete() || len(w.State.Problems()) != 0 {
		t.Error("draining is taken for a fault")
	}
	t.Run("and its id may be another's", func(t *testing.T) {
		next := w.Another("globex", fixture.GatewayID, "is_other")
		if g := next.Compiled(); g.Name != "globex" || len(w.State.Problems()) != 0 || len(w.Snapshot().Draining()) != 1 {
			t.Errorf("served is %s; problems %v", g.Name, w.State.Problems())
		}
	})
	t.Run("until it is gone", func(t *testing.T) {
		w.Delete(w.Gateway)
		if len(w.Snapshot().Draining()) != 0 {
			t.Error("it is still draining")
		}
	})
}

func TestOfTwoGatewaysWithOneIDTheFirstByNameIsServedUntilItDrains(t *testing.T) {
	w := fixture.New(t)
	other := *w.Gateway
	other.Name = "zeta"
	secrets := *w.Secrets
	secrets.Name = "zeta"
	w.State.Apply([]serving.Update{encode(t, &other), encode(t, &secrets)})
	if p := w.State.Problems(); w.Compiled().Name != "acme" || len(p) != 1 || !strings.HasSuffix(p[0].Object, "zeta") {
		t.Fatalf("served is %s; problems %v", w.Compiled().Name, p)
	}
	w.Gateway.Draining = true
	w.State.Apply([]serving.Update{encode(t, w.Gateway)})
	if p := w.State.Problems(); w.Compiled().Name != "zeta" || len(p) != 0 {
		t.Errorf("served is %s; problems %v", w.Compiled().Name, p)
	}
}
