package replicas

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

func TestWhoServesADocument(t *testing.T) {
	object := objectOf(serving.KindClient, "thales-d1")
	refused := v1alpha1.RefusedDocument{Object: object, Message: "it is damaged"}
	other := v1alpha1.RefusedDocument{Object: objectOf(serving.KindClient, "other"), Message: "it is damaged"}
	for name, c := range map[string]struct {
		needs []Need
		world func(w *world)
		want  Standing
	}{
		"one that has seen its version": {clientNeed("thales-d1", 7), func(w *world) {
			w.beats("a")
			w.serves("a", 7, 0)
		}, Standing{Live: 1}},
		"one that has seen a later version": {clientNeed("thales-d1", 7), func(w *world) {
			w.beats("a")
			w.serves("a", 1000, 0)
		}, Standing{Live: 1}},
		"versions are numbers, not texts": {clientNeed("thales-d1", 10), func(w *world) {
			w.beats("a")
			w.serves("a", 9, 0)
		}, Standing{Live: 1, Behind: []string{"a"}}},
		"the versions of ConfigMaps say nothing of Secrets": {clientNeed("thales-d1", 7), func(w *world) {
			w.beats("a")
			w.serves("a", 6, 1000)
		}, Standing{Live: 1, Behind: []string{"a"}}},
		"the versions of Secrets say nothing of ConfigMaps": {gatewayNeed("acme", 7), func(w *world) {
			w.beats("a")
			w.serves("a", 1000, 6)
		}, Standing{Live: 1, Behind: []string{"a"}}},
		"each of several documents counts": {append(gatewayNeed("acme", 7), clientNeed("thales-d1", 9)...), func(w *world) {
			w.beats("a", "b", "c")
			w.serves("a", 9, 7)
			w.serves("b", 8, 7)
			w.serves("c", 9, 6)
		}, Standing{Live: 3, Behind: []string{"b", "c"}}},
		"not one that has not reported": {clientNeed("thales-d1", 7), func(w *world) {
			w.beats("a", "b")
			w.serves("b", 7, 0)
		}, Standing{Live: 2, Behind: []string{"a"}}},
		"not one whose report says nothing of documents": {clientNeed("thales-d1", 7), func(w *world) {
			w.beats("a")
			w.sawReport("a", &v1alpha1.ReplicaReport{Replica: "a"})
		}, Standing{Live: 1, Behind: []string{"a"}}},
		"one that is gone does not count": {clientNeed("thales-d1", 7), func(w *world) {
			w.renews("b", w.time.Add(-time.Hour), 30)
			w.beats("a")
			w.serves("a", 7, 0)
			w.serves("b", 1, 0)
			w.serves("c", 1, 0)
		}, Standing{Live: 1}},
		"one that refuses it is not behind": {clientNeed("thales-d1", 7), func(w *world) {
			w.beats("b", "a", "c")
			w.serves("a", 7, 0, refused)
			w.serves("b", 7, 0, refused)
			w.serves("c", 6, 0, refused)
		}, Standing{Live: 3, Behind: []string{"c"}, Refused: []Refusal{{"a", object, "it is damaged"}, {"b", object, "it is damaged"}}}},
		"one that refuses another": {clientNeed("thales-d1", 7), func(w *world) {
			w.beats("a")
			w.serves("a", 7, 0, other)
		}, Standing{Live: 1}},
		"nobody without a version": {[]Need{{serving.KindClient, object, ""}}, func(w *world) {
			w.beats("a")
			w.serves("a", 7, 0)
		}, Standing{Live: 1, Behind: []string{"a"}}},
		"nobody when none is live": {clientNeed("thales-d1", 7), func(w *world) {
			w.serves("a", 7, 0)
			w.passes(Gap)
		}, Standing{}},
		"nobody for two minutes after the operator has started": {clientNeed("thales-d1", 7), func(w *world) {
			w.passes(Gap - time.Second)
		}, Standing{Gap: true}},
		"one that has seen a part is behind, whatever it refuses": {append(gatewayNeed("acme", 11), secretsNeed("acme", 10)), func(w *world) {
			w.beats("a")
			w.serves("a", 5, 11, v1alpha1.RefusedDocument{Object: objectOf(serving.KindGateway, "acme"), Message: "it waits for its secrets"})
		}, Standing{Live: 1, Behind: []string{"a"}}},
		"one that refuses more than it can list refuses what comes after": {clientNeed("thales-d1", 7), func(w *world) {
			w.beats("a", "b", "c", "d")
			w.serves("a", 7, 0)
			w.sawReport("b", refusesMore("b", "adyen"))
			w.sawReport("c", refusesMore("c", "zahlung"))
			w.sawReport("d", refusesMore("d"))
		}, Standing{Live: 4, Refused: []Refusal{{"b", object, unlistedMessage}, {"d", object, unlistedMessage}}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.world(w)
			got := w.Standing(c.needs)
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if served := w.Served(c.needs...); served != (c.want.Live > 0 && c.want.Behind == nil && c.want.Refused == nil) {
				t.Errorf("served is %t of %+v", served, got)
			}
		})
	}
}

func TestTheGapIsCountedFromTheEndOfTheLastReplica(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"whose Lease is deleted": func(w *world) { w.stops("a") },
		"whose Lease ends":       func(w *world) { w.look(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.beats("a")
			w.time = w.time.Add(time.Minute)
			end(w)
			w.passes(Gap - time.Second)
			if s := w.Standing(nil); s.Live != 0 || !s.Gap {
				t.Errorf("a second before: %+v", s)
			}
			mustCall(t, "a second before", w.clients)
			w.passes(time.Second)
			if s := w.Standing(nil); s.Gap {
				t.Errorf("after: %+v", s)
			}
			mustCall(t, "after", w.clients, "all")
		})
	}
}

func TestTheNewestUseThatAnyReplicaHasSeenCounts(t *testing.T) {
	object := objectOf(serving.KindClient, "thales-d1")
	at := func(minute int) metav1.Time { return metav1.NewTime(began.Add(time.Duration(minute) * time.Minute)) }
	w := newWorld(t)
	if w.Uses(object) != nil {
		t.Error("it is known although nobody is live")
	}
	w.beats("a", "b")
	if uses := w.Uses(object); uses == nil || len(uses) != 0 {
		t.Errorf("nobody has used it: %v", uses)
	}
	for report, r := range map[string]*v1alpha1.ReplicaReport{
		"a": {Replica: "a", Uses: []v1alpha1.CredentialUse{{Document: object, ID: "one", LastUsedTime: at(5)}, {Document: "client.payments.other", ID: "one", LastUsedTime: at(50)}}},
		// A second report of the same replica, and one of a replica that is gone.
		"a.uses-1": {Replica: "a", Uses: []v1alpha1.CredentialUse{{Document: object, ID: "two", LastUsedTime: at(6)}}},
		"b":        {Replica: "b", Uses: []v1alpha1.CredentialUse{{Document: object, ID: "one", LastUsedTime: at(3)}, {Document: object, ID: "two", LastUsedTime: at(7)}}},
		"gone":     {Replica: "gone", Uses: []v1alpha1.CredentialUse{{Document: object, ID: "one", LastUsedTime: at(9)}}},
		// One of somebody who is no server.
		"forged": {Replica: "a", Uses: []v1alpha1.CredentialUse{{Document: object, ID: "one", LastUsedTime: at(60)}}},
	} {
		w.sawReport(report, r)
	}
	want := map[string]time.Time{"one": at(9).Time, "two": at(7).Time}
	if got := w.Uses(object); !reflect.DeepEqual(got, want) {
		t.Errorf("the uses are %v, want %v", got, want)
	}
	w.sawReport("gone", nil)
	w.sawReport("b", nil)
	want = map[string]time.Time{"one": at(5).Time, "two": at(6).Time}
	if got := w.Uses(object); !reflect.DeepEqual(got, want) {
		t.Errorf("after two reports are gone the uses are %v, want %v", got, want)
	}
	w.stops("a")
	w.stops("b")
	if w.Uses(object) != nil {
		t.Error("it is known although nobody is live any more")
	}
}

func TestWhichReportsAreOfAReplica(t *testing.T) {
	for report, want := range map[string]bool{
		"web-1": true, "web-1.uses-0": true, "web-1.uses-12": true,
		"web-10": false, "web": false, "": false, "web-1.uses-": false, "web-1.uses-x": false, "web-1.uses-1x": false, "web-2.uses-1": false, "web-1.uses-1.uses-1": false,
	} {
		if got := isOf(report, "web-1"); got != want {
			t.Errorf("%q: %t", report, got)
		}
	}
}

const unlistedMessage = "it refuses more documents than it can list, and this may be one of them"

// refusesMore is a report that lists some clients as refused and has no room for others.
func refusesMore(replica string, listed ...string) *v1alpha1.ReplicaReport {
	r := reportOf(replica, 7, 7)
	for _, name := range listed {
		r.Documents.Refused = append(r.Documents.Refused, v1alpha1.RefusedDocument{Object: objectOf(serving.KindClient, name), Message: "it is damaged"})
	}
	r.Documents.RefusedCount = ptr.To(int32(len(listed) + 1))
	return r
}

func secretsNeed(name string, version int) Need {
	return Need{serving.KindGatewaySecrets, objectOf(serving.KindGatewaySecrets, name), fmt.Sprint(version)}
}

func TestTheMessagesNameSomeAndCountTheRest(t *testing.T) {
	var behind []string
	var refusals []Refusal
	for i := range 7 {
		behind = append(behind, fmt.Sprintf("server-%d", i))
		refusals = append(refusals, Refusal{fmt.Sprintf("server-%d", i), "client.payments.thales-d1", "it is damaged"})
	}
	if got, want := behindMessage(behind[:2]), `The configuration is written, but server replicas do not serve it yet: "server-0", "server-1"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := behindMessage(behind), `The configuration is written, but server replicas do not serve it yet: "server-0", "server-1", "server-2", "server-3", "server-4", and 2 more`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := refusedMessage(refusals[:1]), `Server replica "server-0" refuses the document client.payments.thales-d1: it is damaged`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := refusedMessage(refusals), `Server replica "server-0" refuses the document client.payments.thales-d1: it is damaged; and 6 more refusals`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
