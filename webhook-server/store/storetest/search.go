package storetest

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var searchTests = []conformanceTest{
	{"filters match exactly, alone and together", func(f *fixture) {
		f.appendVaried()
		for _, c := range []struct {
			filter store.Filter
			want   []string
		}{
			{store.Filter{}, []string{"msg_000004", "msg_000003", "msg_000002", "msg_000001"}},
			{store.Filter{GatewayID: "MGW_000002"}, []string{"msg_000004", "msg_000003"}},
			{store.Filter{MerchantID: "40010000002"}, []string{"msg_000004", "msg_000002"}},
			{store.Filter{TokenID: "tok_shared"}, []string{"msg_000003", "msg_000001"}},
			{store.Filter{CorrelationID: "c-2"}, []string{"msg_000002"}},
			{store.Filter{State: store.Waiting}, []string{"msg_000004", "msg_000003"}},
			{store.Filter{State: store.Delivered}, []string{"msg_000001"}},
			{store.Filter{State: store.Dead}, []string{"msg_000002"}},
			{store.Filter{State: store.Waiting, TokenID: "tok_shared"}, []string{"msg_000003"}},
			{store.Filter{GatewayID: "MGW_000002", MerchantID: "40010000002", TokenID: "tok_4", CorrelationID: "c-4", State: store.Waiting}, []string{"msg_000004"}},
			{store.Filter{GatewayID: "MGW_000001", CorrelationID: "c-4"}, []string{}},
			{store.Filter{TokenID: "tok_"}, []string{}},
			{store.Filter{TokenID: "tok%"}, []string{}},
			{store.Filter{MerchantID: "' OR 1=1 --"}, []string{}},
		} {
			if got := f.list(c.filter); !slices.Equal(got, c.want) {
				f.Errorf("%+v: %v, want %v", c.filter, got, c.want)
			}
		}
	}},
	{"newest received comes first and the limit holds", func(f *fixture) {
		for i := range 5 {
			f.append(notification(i, laneA, i))
		}
		if got := f.list(store.Filter{Limit: 2}); !slices.Equal(got, []string{"msg_000004", "msg_000003"}) {
			f.Errorf("listed %v", got)
		}
	}},
	{"without a limit 100, and never more than 1,000", func(f *fixture) {
		f.appendMany(1001, laneA)
		if got := len(f.list(store.Filter{})); got != 100 {
			f.Errorf("no limit: %d", got)
		}
		if got := len(f.list(store.Filter{Limit: 5000})); got != 1000 {
			f.Errorf("limit 5000: %d", got)
		}
	}},
	{"many rows are found by every field, old and new ones", func(f *fixture) {
		const many = 8400
		f.appendMany(many, laneA)
		for _, i := range []int{0, 1, 1023, 1024, 4094, 4095, 4096, 8190, 8191, many - 1} {
			want := []string{fmt.Sprintf("msg_%06d", i)}
			for _, filter := range []store.Filter{{TokenID: fmt.Sprintf("tok_%d", i)}, {CorrelationID: fmt.Sprintf("c-%d", i), State: store.Waiting}} {
				if got := f.list(filter); !slices.Equal(got, want) {
					f.Errorf("%+v: %v", filter, got)
				}
			}
			if got := f.get(want[0]).TokenID; got != fmt.Sprintf("tok_%d", i) {
				f.Errorf("%s has token %s", want[0], got)
			}
		}
		for _, filter := range []store.Filter{{State: store.Waiting, MerchantID: "40010000001"}, {MerchantID: "40010000001"}} {
			filter.Limit = 1000
			all := f.list(filter)
			if len(all) != 1000 || slices.Min(all) != fmt.Sprintf("msg_%06d", many-1000) || all[0] < fmt.Sprintf("msg_%06d", many-50) {
				f.Errorf("the newest 1,000 of %+v: %d, the first %s, the oldest %s", filter, len(all), all[0], slices.Min(all))
			}
		}
	}},
}

// appendVaried appends four: 1 delivered, 2 dead, 3 and 4 waiting.
func (f *fixture) appendVaried() {
	all := make([]store.Notification, 5)
	for i := 1; i <= 4; i++ {
		all[i] = notification(i, laneA, i)
		all[i].MerchantID = fmt.Sprintf("4001000000%d", 2-i%2)
	}
	all[1].TokenID, all[3].TokenID = "tok_shared", "tok_shared"
	all[3].GatewayID, all[4].GatewayID = "MGW_000002", "MGW_000002"
	f.append(all[1:]...)
	first := f.claim(laneA, after(10), 2)
	f.delivered(first[0], after(11))
	f.dead(first[1], after(12))
}

// appendMany appends notifications with the numbers from 0, fifty at once in each millisecond.
func (f *fixture) appendMany(count int, lane string) {
	f.Helper()
	f.appendFrom(0, count, lane)
}

// appendFrom is appendMany for the numbers from the one given, which is a multiple of fifty.
func (f *fixture) appendFrom(number, count int, lane string) {
	f.Helper()
	const atOnce = 50
	for first := number; first < number+count; first += atOnce {
		var group sync.WaitGroup
		for i := first; i < min(first+atOnce, number+count); i++ {
			n := notification(i, lane, 0)
			n.ReceivedAt = start().Add(time.Duration(first/atOnce) * time.Millisecond)
			group.Go(func() {
				if _, err := f.Append(f.Context(), n); err != nil {
					f.Errorf("appending %s: %v", n.ID, err)
				}
			})
		}
		group.Wait()
	}
}

var laneTests = []conformanceTest{
	{"counts and the oldest, in order of name", func(f *fixture) {
		f.append(notification(1, laneB, 3), notification(2, laneB, 1), notification(3, laneB, 2), notification(4, laneA, 5))
		f.dead(f.claimOne(laneA, after(10)), after(11))
		f.wantLanes(
			store.LaneStats{Lane: laneA, Dead: 1},
			store.LaneStats{Lane: laneB, Waiting: 3, OldestWaiting: after(1)},
		)
	}},
	{"a claimed notification counts as waiting", func(f *fixture) {
		f.append(notification(1, laneA, 0), notification(2, laneA, 1))
		d := f.claim(laneA, after(2), 1)[0]
		f.wantLanes(store.LaneStats{Lane: laneA, Waiting: 2, OldestWaiting: start()})
		f.record(d, store.Waiting, "timeout", after(3), after(100))
		f.wantLanes(store.LaneStats{Lane: laneA, Waiting: 2, OldestWaiting: start()})
	}},
	{"a lane with nothing left is not named", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		f.delivered(f.claimOne(laneA, start()), after(1))
		f.wantLanes()
	}},
	{"pruned dead letters are no longer counted", func(f *fixture) {
		f.append(notification(1, laneA, 0), notification(2, laneA, 0))
		for _, d := range f.claim(laneA, start(), 2) {
			f.dead(d, after(1))
		}
		f.prune(store.Dead, after(2), 1)
		f.wantLanes(store.LaneStats{Lane: laneA, Dead: 1})
		f.prune(store.Dead, after(2), 1)
		f.wantLanes()
	}},
}

func (f *fixture) wantLanes(want ...store.LaneStats) {
	f.Helper()
	got, err := f.Lanes(f.Context())
	if err != nil || !slices.Equal(got, want) {
		f.Errorf("lanes %+v, %v; want %+v", got, err, want)
	}
}
