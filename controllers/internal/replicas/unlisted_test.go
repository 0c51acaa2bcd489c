package replicas

import (
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

// TestWhoIsCalledWhenMoreIsRefusedThanCanBeListed has the clients and gateways "acme", "paid" and "zahlung". The documents of clients sort before those of
// gateways.
func TestWhoIsCalledWhenMoreIsRefusedThanCanBeListed(t *testing.T) {
	all := []string{"acme", "paid", "zahlung"}
	for name, c := range map[string]struct {
		before, after     *v1alpha1.ReplicaReport
		clients, gateways []string
	}{
		"those that come after the last one that is listed": {reportOf("a", 7, 7), refusesMore("a", "acme"), all, all},
		"all when none is listed":                           {reportOf("a", 7, 7), refusesMore("a"), all, all},
		"those that are no longer listed or were before it": {refusesMore("a", "zahlung"), refusesMore("a", "acme"), all, nil},
		"those that are listed now":                         {refusesMore("a", "acme"), refusesMore("a", "acme", "paid"), []string{"paid"}, nil},
		"nobody when nothing is new":                        {refusesMore("a", "acme"), refusesMore("a", "acme"), nil, nil},
		"nobody but who was listed when it is taken back":   {refusesMore("a", "acme"), reportOf("a", 7, 7), []string{"acme"}, nil},
		"those of whom the other document may be refused": {
			lists(refusesMore("a"), objectOf(serving.KindGateway, "a")), lists(refusesMore("a"), objectOf(serving.KindGatewaySecrets, "paid")), nil, []string{"a", "paid", "zahlung"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{time: began}
			w.make(func() time.Time { return w.time })
			w.start(t, all...)
			w.beats("a")
			w.sawReport("a", c.before)
			w.clients.take()
			w.gateways.take()
			w.sawReport("a", c.after)
			mustCall(t, "clients", w.clients, c.clients...)
			mustCall(t, "gateways", w.gateways, c.gateways...)
		})
	}
	t.Run("when the one comes to life that does", func(t *testing.T) {
		w := &world{time: began}
		w.make(func() time.Time { return w.time })
		w.start(t, all...)
		w.sawReport("a", refusesMore("a"))
		w.clients.take()
		w.beats("a")
		mustCall(t, "clients", w.clients, all...)
	})
}

// lists adds one to the refused documents that a report lists.
func lists(r *v1alpha1.ReplicaReport, object string) *v1alpha1.ReplicaReport {
	r.Documents.Refused = append(r.Documents.Refused, v1alpha1.RefusedDocument{Object: object, Message: "it is damaged"})
	*r.Documents.RefusedCount++
	return r
}

// TestOfTooManyRefusalsEachIsSaidOnce: how many there are changes from moment to moment while a server loads.
func TestOfTooManyRefusalsEachIsSaidOnce(t *testing.T) {
	w := newWorld(t)
	w.beats("a")
	w.sawReport("a", refusesMore("a", "adyen"))
	mustJudge(t, "beyond the list", w.judge("thales-d1", 7, written(2)), judged{programmed: "False", reason: v1alpha1.ReasonDocumentRefused})
	w.clients.take()
	for more := range int32(3) {
		r := refusesMore("a", "adyen")
		*r.Documents.RefusedCount += more
		w.sawReport("a", r)
		mustCall(t, "while others come and go", w.clients)
	}
	w.serves("a", 7, 7)
	mustCall(t, "when none is refused", w.clients, "adyen", "thales-d1")
	mustJudge(t, "when none is refused", w.judge("thales-d1", 7, nil), judged{programmed: "True", reason: v1alpha1.ReasonProgrammed})
}

// TestTheResourcesOfOtherNamespacesAreLeftAlone: they are not in the cache of an operator that is told to look at some.
func TestTheResourcesOfOtherNamespacesAreLeftAlone(t *testing.T) {
	w := &world{time: began}
	w.make(func() time.Time { return w.time }, "payments", "more-payments")
	w.start(t)
	elsewhere := serving.Header{Kind: serving.KindClient, Namespace: "elsewhere", Name: "other"}.ObjectName()
	w.beats("a")
	w.serves("a", 7, 7, v1alpha1.RefusedDocument{Object: elsewhere, Message: "it is damaged"}, v1alpha1.RefusedDocument{Object: objectOf(serving.KindClient, "ours"), Message: "it is damaged"})
	mustCall(t, "clients", w.clients, "ours")
}
