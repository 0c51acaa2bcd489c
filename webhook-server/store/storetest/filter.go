package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var filterTests = []conformanceTest{
	{"each field alone, every two together, and some of all, against a filter of the test's own", func(f *fixture) {
		all := f.appendMixed(60)
		choices := filterChoices()
		for i, one := range choices {
			for _, other := range choices[i:] {
				var filter store.Filter
				one(&filter)
				other(&filter)
				f.wantMatches(all, filter)
			}
		}
		random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same filters each time are what is wanted
		for range 60 {
			var filter store.Filter
			for range 3 + random.IntN(3) {
				choices[random.IntN(len(choices))](&filter)
			}
			f.wantMatches(all, filter)
		}
	}},
	{"received from the one instant on, before the other", func(f *fixture) {
		for i := range 5 {
			f.append(notification(i, laneA, i))
		}
		for _, c := range []struct {
			from, until time.Time
			want        []string
		}{
			{after(3), time.Time{}, []string{"msg_000004", "msg_000003"}},
			{time.Time{}, after(2), []string{"msg_000001", "msg_000000"}},
			{after(1), after(3), []string{"msg_000002", "msg_000001"}},
			{after(1), after(1), []string{}},
			{after(9), time.Time{}, []string{}},
			{after(3).Add(time.Millisecond), after(4).Add(time.Millisecond), []string{"msg_000004"}},
		} {
			filter := store.Filter{ReceivedFrom: c.from, ReceivedUntil: c.until}
			if got := f.list(filter); !slices.Equal(got, c.want) {
				f.Errorf("%+v: %v, want %v", filter, got, c.want)
			}
			f.wantCount(filter, len(c.want))
		}
	}},
	{"among many rows by id, by time and by time with a field", func(f *fixture) {
		const many = 8300
		f.appendMany(many, laneA)
		for _, i := range []int{0, 4095, 4096, 8191, 8192, many - 1} {
			id := fmt.Sprintf("msg_%06d", i)
			for _, filter := range []store.Filter{{ID: id}, {ID: id, State: store.Waiting, Lane: laneA}} {
				if got := f.list(filter); !slices.Equal(got, []string{id}) {
					f.Errorf("%+v: %v", filter, got)
				}
				f.wantCount(filter, 1)
			}
			f.wantCount(store.Filter{ID: id, State: store.Dead}, 0)
		}
		from, until := start().Add(70*time.Millisecond), start().Add(94*time.Millisecond) // over the end of a run
		f.wantPages(store.Filter{ReceivedFrom: from, ReceivedUntil: until, Limit: 1000}, 1200)
		f.wantPages(store.Filter{ReceivedFrom: from, ReceivedUntil: until, MerchantID: "40010000001", Limit: 1000}, 1200)
		f.wantCount(store.Filter{ReceivedFrom: from, ReceivedUntil: until, TokenID: "tok_100"}, 0)
		f.wantCount(store.Filter{ReceivedFrom: from, ReceivedUntil: until, TokenID: "tok_4100"}, 1)
	}},
}

// filterChoices sets one field each, to values that some, and that none have.
func filterChoices() []func(*store.Filter) {
	choices := []func(*store.Filter){
		func(f *store.Filter) { f.ID = "msg_000017" },
		func(f *store.Filter) { f.CorrelationID = "c-11" },
		func(f *store.Filter) { f.MerchantID = "merchant_2" },
		func(f *store.Filter) { f.Lane = laneB },
		func(f *store.Filter) { f.Namespace = "payments" },
		func(f *store.Filter) { f.Namespace = "payment" },
		func(f *store.Filter) { f.ReceivedFrom = after(20) },
		func(f *store.Filter) { f.ReceivedUntil = after(41) },
		func(f *store.Filter) { f.Limit = 3 },
	}
	for i := range 2 {
		choices = append(choices,
			func(f *store.Filter) { f.GatewayID = fmt.Sprintf("MGW_%d", i) },
			func(f *store.Filter) { f.TokenID = fmt.Sprintf("token_%d", i) },
			func(f *store.Filter) { f.UpdateType = fmt.Sprintf("TYPE_%d", i) },
			func(f *store.Filter) { f.Reason = []string{"timeout", "gone"}[i] },
		)
	}
	for _, state := range []store.State{store.Waiting, store.Delivered, store.Dead} {
		choices = append(choices, func(f *store.Filter) { f.State = state })
	}
	return append(choices, func(f *store.Filter) { f.Lane = "payments/acme/none" })
}

// appendMixed appends so many, of which no two fields go together, and answers their records, the newest first.
func (f *fixture) appendMixed(count int) []store.Record {
	f.Helper()
	for i := range count {
		n := notification(i, []string{laneA, laneB}[i/3%2], i)
		n.GatewayID, n.MerchantID = fmt.Sprintf("MGW_%d", i%2), fmt.Sprintf("merchant_%d", i%3)
		n.TokenID, n.UpdateType = fmt.Sprintf("token_%d", i%5), fmt.Sprintf("TYPE_%d", i/2%3)
		f.append(n)
	}
	for _, lane := range []string{laneA, laneB} {
		for _, d := range f.claim(lane, after(100), count) {
			switch d.ID[len(d.ID)-1] % 7 {
			case 0, 1:
				f.delivered(d, after(101))
			case 2, 3:
				f.dead(d, after(101))
			case 4:
				f.retry(d, after(101), after(200))
			default:
				f.release(d)
			}
		}
	}
	records := make([]store.Record, count)
	for i := range records {
		records[count-1-i] = f.get(fmt.Sprintf("msg_%06d", i))
	}
	return records
}

// wantMatches expects those of all, the newest first, that match.
func (f *fixture) wantMatches(all []store.Record, filter store.Filter) {
	f.Helper()
	want := []string{}
	for _, rec := range all {
		if matches(rec, filter) {
			want = append(want, rec.ID)
		}
	}
	f.wantCount(filter, len(want))
	if filter.Limit > 0 && len(want) > filter.Limit {
		want = want[:filter.Limit]
	}
	if got := f.list(filter); !slices.Equal(got, want) {
		f.Errorf("%+v: %v, want %v", filter, got, want)
	}
}

func matches(rec store.Record, f store.Filter) bool {
	for _, pair := range [][2]string{
		{f.ID, rec.ID}, {string(f.State), string(rec.State)}, {f.GatewayID, rec.GatewayID}, {f.MerchantID, rec.MerchantID}, {f.TokenID, rec.TokenID},
		{f.CorrelationID, rec.CorrelationID}, {f.UpdateType, rec.UpdateType}, {f.Lane, rec.Lane}, {f.Reason, rec.LastReason},
	} {
		if pair[0] != "" && pair[0] != pair[1] {
			return false
		}
	}
	if namespace, _, found := strings.Cut(rec.Lane, "/"); f.Namespace != "" && (!found || namespace != f.Namespace) {
		return false
	}
	return !rec.ReceivedAt.Before(f.ReceivedFrom) && (f.ReceivedUntil.IsZero() || rec.ReceivedAt.Before(f.ReceivedUntil))
}
