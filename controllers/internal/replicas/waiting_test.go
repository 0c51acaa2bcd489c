package replicas

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// TestWhoWaitsIsCalled has the client "waits" wait for version 7 while "a" serves it and "b" is behind.
func TestWhoWaitsIsCalled(t *testing.T) {
	refused := v1alpha1.RefusedDocument{Object: objectOf(serving.KindClient, "waits"), Message: "it is damaged"}
	for name, c := range map[string]struct {
		happens func(w *world)
		called  bool
	}{
		"when the last one has caught up":   {func(w *world) { w.serves("b", 7, 1) }, true},
		"not when one comes nearer":         {func(w *world) { w.serves("b", 6, 1) }, false},
		"not when it is renewed":            {func(w *world) { w.beats("a", "b") }, false},
		"when the one that is behind stops": {func(w *world) { w.stops("b") }, true},
		"when the Lease of the one that is behind ends": {func(w *world) {
			w.time = w.time.Add(59 * time.Second)
			w.beats("a")
			w.passes(time.Second)
		}, true},
		"not when the one stops that serves it":              {func(w *world) { w.stops("a") }, false},
		"when the one that was behind refuses it":            {func(w *world) { w.serves("b", 7, 1, refused) }, true},
		"when the one that served it refuses it":             {func(w *world) { w.serves("a", 7, 1, refused) }, true},
		"when all are gone":                                  {func(w *world) { w.stops("a"); w.stops("b") }, true},
		"not when another comes that is behind":              {func(w *world) { w.beats("c") }, false},
		"not when the one that is behind loses its report":   {func(w *world) { w.sawReport("b", nil) }, false},
		"not for a ConfigMap":                                {func(w *world) { w.serves("b", 5, 1000) }, false},
		"not when it has left":                               {func(w *world) { w.Leave(serving.KindClient, named1("waits")); w.serves("b", 7, 1) }, false},
		"when who is behind is another, after ten seconds":   {func(w *world) { w.time = w.time.Add(patience); w.serves("a", 5, 1); w.beats("c") }, true},
		"not for the same after ten seconds":                 {func(w *world) { w.time = w.time.Add(patience); w.serves("b", 6, 1) }, false},
		"when what is waited for is served a version beyond": {func(w *world) { w.serves("b", 70, 1) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.beats("a", "b")
			w.serves("a", 7, 1)
			w.serves("b", 5, 1)
			if s, since := w.Wait(serving.KindClient, named1("waits"), clientNeed("waits", 7)); s.Served() || !since.Equal(began) {
				t.Fatalf("%+v since %s", s, since)
			}
			c.happens(w)
			want := []string{"waits"}
			if !c.called {
				want = nil
			}
			mustCall(t, "then", w.clients, want...)
			mustCall(t, "then", w.gateways)
		})
	}
}

func TestWhatIsServedAlreadyIsNotWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.beats("a")
	w.serves("a", 7, 1)
	if s, _ := w.Wait(serving.KindClient, named1("thales-d1"), clientNeed("thales-d1", 7)); !s.Served() {
		t.Errorf("%+v", s)
	}
	if len(w.waiting) != 0 {
		t.Error("it waits")
	}
}

func TestWaitingForAnotherVersionBeginsAnew(t *testing.T) {
	w := newWorld(t)
	w.beats("a")
	for _, step := range []struct {
		version int
		since   time.Duration
	}{{7, 0}, {7, 0}, {8, 2 * time.Second}, {8, 2 * time.Second}} {
		if _, since := w.Wait(serving.KindClient, named1("thales-d1"), clientNeed("thales-d1", step.version)); !since.Equal(began.Add(step.since)) {
			t.Errorf("version %d is waited for since %s", step.version, since.Sub(began))
		}
		w.time = w.time.Add(time.Second)
	}
}

// TestWhomAReportConcerns: who does not wait is called too when a report says something new of it, and nobody else.
func TestWhomAReportConcerns(t *testing.T) {
	object := objectOf(serving.KindClient, "used")
	with := func(change func(r *v1alpha1.ReplicaReport)) *v1alpha1.ReplicaReport {
		r := reportOf("a", 7, 7)
		change(r)
		return r
	}
	use := func(document, id string, second int) func(*v1alpha1.ReplicaReport) {
		return func(r *v1alpha1.ReplicaReport) {
			r.Uses = []v1alpha1.CredentialUse{{Document: document, ID: id, LastUsedTime: metav1.NewTime(began.Add(time.Duration(second) * time.Second))}}
		}
	}
	drain := func(count int64) func(*v1alpha1.ReplicaReport) {
		return func(r *v1alpha1.ReplicaReport) {
			r.Draining = []v1alpha1.DrainingGateway{{Namespace: "payments", Name: "acme", UID: "one", Undelivered: ptr.To(count)}}
		}
	}
	refuse := func(object string) func(*v1alpha1.ReplicaReport) {
		return func(r *v1alpha1.ReplicaReport) {
			r.Documents.Refused = []v1alpha1.RefusedDocument{{Object: object, Message: "it is damaged"}}
		}
	}
	nothing := func(*v1alpha1.ReplicaReport) {}
	for name, c := range map[string]struct {
		before, after     func(*v1alpha1.ReplicaReport)
		clients, gateways []string
	}{
		"only the versions differ":              {nothing, func(r *v1alpha1.ReplicaReport) { r.Documents.SecretsVersion = "8" }, nil, nil},
		"a client's credential is used":         {nothing, use(object, "one", 1), []string{"used"}, nil},
		"it is used again":                      {use(object, "one", 1), use(object, "one", 2), []string{"used"}, nil},
		"nothing new":                           {use(object, "one", 1), use(object, "one", 1), nil, nil},
		"a signing key is used":                 {nothing, use(objectOf(serving.KindGateway, "acme"), "k", 1), nil, []string{"acme"}},
		"a use is no longer reported":           {use(object, "one", 1), nothing, []string{"used"}, nil},
		"a client's document is refused":        {nothing, refuse(object), []string{"used"}, nil},
		"a gateway's document is refused":       {nothing, refuse(objectOf(serving.KindGateway, "acme")), nil, []string{"acme"}},
		"a gateway's secrets are refused":       {nothing, refuse(objectOf(serving.KindGatewaySecrets, "acme")), nil, []string{"acme"}},
		"something else is refused":             {nothing, refuse("kube-root-ca.crt"), nil, nil},
		"a gateway is drained":                  {nothing, drain(12), nil, []string{"acme"}},
		"fewer notifications wait":              {drain(12), drain(11), nil, []string{"acme"}},
		"they wait in another store":            {drain(12), func(r *v1alpha1.ReplicaReport) { drain(12)(r); r.StoreID = "another" }, nil, []string{"acme"}},
		"a gateway is no longer being drained":  {drain(0), nothing, nil, []string{"acme"}},
		"the same number of notifications wait": {drain(12), drain(12), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.beats("a")
			w.sawReport("a", with(c.before))
			w.clients.take()
			w.gateways.take()
			w.sawReport("a", with(c.after))
			mustCall(t, "clients", w.clients, c.clients...)
			mustCall(t, "gateways", w.gateways, c.gateways...)
		})
	}
}

func TestOneSourceForEachKind(t *testing.T) {
	w := newWorld(t)
	source := w.Source(serving.KindClient, nil)
	if err := source.Start(t.Context(), &called{}); err == nil {
		t.Error("a second source of a kind takes the calls of the first")
	}
	if err := source.WaitForSync(t.Context()); err != nil {
		t.Errorf("nothing is watched, and it is not in step: %v", err)
	}
	w.synced = append(w.synced, func() bool { return false })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := source.WaitForSync(ctx); err == nil {
		t.Error("it is in step although the reports were not taken up")
	}
}
