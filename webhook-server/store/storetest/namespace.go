package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// namespaceLanes are lanes whose names are easily taken for one another's, by a comparison that is not exact.
var namespaceLanes = []string{
	"pay/acme/a", "pay/acme/b", "payments/acme/a", "pay-eu/acme/a", "pay0/acme/a", "pay.x/acme/a", "Pay/acme/a", "p_y/acme/a", "p%/acme/a", "pay", "pay/", "/acme/a", "acme/pay/a", "påy/acme/a",
}

// inNamespaces are the filters of the tests, and the numbers of the lanes that each chooses.
var inNamespaces = []struct {
	namespace string
	lanes     []int
}{
	{"pay", []int{0, 1, 10}},
	{"payments", []int{2}},
	{"pay-eu", []int{3}},
	{"pay0", []int{4}},
	{"Pay", []int{6}},
	{"p_y", []int{7}},
	{"p%", []int{8}},
	{"acme", []int{12}},
	{"påy", []int{13}},
	{"pa", nil},
	{"p", nil},
	{"%", nil},
	{"_ay", nil},
	{"pay/", nil},
	{"pay/acme", nil},
	{"/", nil},
	{"pay\x00", nil},
	{"pay\xff", nil},
	{"none", nil},
}

var namespaceTests = []conformanceTest{
	{"each chooses its own lanes, in whatever state and with whatever else", func(f *fixture) {
		f.appendToLanes(4)
		for number, lane := range namespaceLanes {
			claimed := f.claim(lane, after(2000), 4)
			if len(claimed) != 4 {
				f.Fatalf("lane %s: claimed %v", lane, ids(claimed))
			}
			f.delivered(claimed[0], after(2001))
			f.dead(claimed[1], after(2001))
			f.retry(claimed[2], after(2001), after(3000+number))
			f.release(claimed[3])
		}
		for _, c := range inNamespaces {
			f.wantLanesOf(store.Filter{Namespace: c.namespace}, c.lanes, 0, 1, 2, 3)
			f.wantLanesOf(store.Filter{Namespace: c.namespace, State: store.Delivered}, c.lanes, 0)
			f.wantLanesOf(store.Filter{Namespace: c.namespace, State: store.Dead}, c.lanes, 1)
			f.wantLanesOf(store.Filter{Namespace: c.namespace, State: store.Waiting}, c.lanes, 2, 3)
			f.wantLanesOf(store.Filter{Namespace: c.namespace, Reason: "timeout"}, c.lanes, 2)
			f.wantLanesOf(store.Filter{Namespace: c.namespace, MerchantID: "40010000001"}, c.lanes, 0, 1, 2, 3)
			f.wantLanesOf(store.Filter{Namespace: c.namespace, TokenID: "tok_0"}, intersection(c.lanes, 0), 0)
			f.wantLanesOf(store.Filter{Namespace: c.namespace, Lane: "pay/acme/b"}, intersection(c.lanes, 1), 0, 1, 2, 3)
			f.wantLanesOf(store.Filter{Namespace: c.namespace, ReceivedFrom: after(100)}, slices.DeleteFunc(slices.Clone(c.lanes), func(n int) bool { return n == 0 }), 0, 1, 2, 3)
		}
	}},
	{"pages go on within one", func(f *fixture) {
		f.appendToLanes(4)
		want := f.list(store.Filter{Namespace: "pay"})
		var got []string
		for page := f.list(store.Filter{Namespace: "pay", Limit: 5}); len(page) > 0; page = f.list(store.Filter{Namespace: "pay", Limit: 5, After: got[len(got)-1]}) {
			got = append(got, page...)
		}
		if len(got) != 12 || !slices.Equal(got, want) {
			f.Errorf("the pages hold %v, want %v", got, want)
		}
	}},
	{"a replay stays within one, and goes on where it ended", func(f *fixture) {
		f.appendToLanes(4)
		for _, lane := range namespaceLanes {
			for _, d := range f.claim(lane, after(2000), 4) {
				f.dead(d, after(2001))
			}
		}
		for _, want := range []int{5, 5, 2, 0} {
			if n, err := f.Replay(f.Context(), store.Filter{Namespace: "pay", State: store.Dead}, after(2100), 5); n != want || err != nil {
				f.Fatalf("replayed %d, %v; want %d", n, err, want)
			}
		}
		f.wantLanesOf(store.Filter{State: store.Waiting}, []int{0, 1, 10}, 0, 1, 2, 3)
		if n, err := f.Replay(f.Context(), store.Filter{Namespace: "pay/acme", State: store.Dead}, after(2100), 5); n != 0 || err != nil {
			f.Errorf("replayed %d, %v of what is no namespace", n, err)
		}
	}},
	{"among many rows of others", func(f *fixture) {
		f.appendMany(4200, laneA)
		n := notification(9999, "pay/acme/a", 0)
		n.ReceivedAt = start()
		f.append(n)
		f.appendFrom(4200, 4200, laneB)
		for _, filter := range []store.Filter{{Namespace: "pay"}, {Namespace: "pay", State: store.Waiting}, {Namespace: "pay", MerchantID: n.MerchantID}} {
			if got := f.list(filter); !slices.Equal(got, []string{n.ID}) {
				f.Errorf("%+v: %v", filter, got)
			}
			f.wantCount(filter, 1)
		}
	}},
}

// stoppingTests are of look-ups whose caller leaves.
var stoppingTests = []conformanceTest{
	{"a list, a count and a replay end with their context", func(f *fixture) {
		f.appendMany(8400, laneA)
		ended, cancel := context.WithCancel(f.Context())
		cancel()
		late, cancelLate := context.WithTimeout(f.Context(), time.Nanosecond)
		defer cancelLate()
		for _, ctx := range []context.Context{ended, late} {
			_, listing := f.List(ctx, store.Filter{Reason: "none"})
			_, counting := f.Count(ctx, store.Filter{GatewayID: "none"})
			_, getting := f.Get(ctx, "msg_000001")
			_, replaying := f.Replay(ctx, store.Filter{GatewayID: "none"}, after(10), 10)
			for what, err := range map[string]error{"List": listing, "Count": counting, "Get": getting, "Replay": replaying} {
				if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
					f.Errorf("%s: %v", what, err)
				}
			}
		}
		f.wantCount(store.Filter{}, 8400)
	}},
}

// appendToLanes appends so many to each of the lanes, those of the n-th lane numbered from a hundred times n on.
func (f *fixture) appendToLanes(each int) {
	f.Helper()
	for number, lane := range namespaceLanes {
		for i := range each {
			f.append(notification(100*number+i, lane, 100*number+i))
		}
	}
}

// wantLanesOf expects those with the given places in the lanes, in a list and in a count.
func (f *fixture) wantLanesOf(filter store.Filter, lanes []int, places ...int) {
	f.Helper()
	want := []string{}
	for _, lane := range slices.Backward(lanes) {
		for _, place := range slices.Backward(places) {
			want = append(want, fmt.Sprintf("msg_%06d", 100*lane+place))
		}
	}
	if got := f.list(filter); !slices.Equal(got, want) {
		f.Errorf("%+v: %v, want %v", filter, got, want)
	}
	f.wantCount(filter, len(want))
}

// intersection is the one when it is among them.
func intersection(lanes []int, one int) []int {
	if slices.Contains(lanes, one) {
		return []int{one}
	}
	return nil
}
