package storetest

import (
	"errors"
	"slices"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

var pagingTests = []conformanceTest{
	{"page by page all are answered once, newest first, and counted", func(f *fixture) {
		const many = 1237
		f.appendMany(many, laneA)
		f.wantPages(store.Filter{Limit: 137}, many)
		f.wantPages(store.Filter{MerchantID: "40010000001", State: store.Waiting, Limit: 1000}, many)
		f.wantPages(store.Filter{ReceivedFrom: start(), Lane: laneA, Limit: 400}, many)
	}},
	{"of many rows, page by page", func(f *fixture) {
		const many = 5000
		f.appendMany(many, laneA)
		for _, filter := range []store.Filter{{}, {MerchantID: "40010000001"}} {
			filter.Limit = 1000
			f.wantPages(filter, many)
		}
	}},
	{"what comes meanwhile is not in the pages that follow, and moves nothing", func(f *fixture) {
		f.appendMany(10, laneA)
		first := f.list(store.Filter{Limit: 4})
		for i := range 5 {
			f.append(notification(100+i, laneA, 60))
		}
		rest := f.list(store.Filter{After: first[3]})
		if all := slices.Concat(first, rest); len(all) != 10 || len(distinctIDs(all)) != 10 {
			f.Errorf("pages %v and %v", first, rest)
		}
	}},
	{"the last of a page may match no longer", func(f *fixture) {
		for i := range 4 {
			f.append(notification(i, laneA, i))
		}
		f.deliverOnly("msg_000002")
		want := []string{"msg_000001", "msg_000000"}
		if got := f.list(store.Filter{State: store.Waiting, After: "msg_000002"}); !slices.Equal(got, want) {
			f.Errorf("listed %v, want %v", got, want)
		}
	}},
	{"behind the oldest there is nothing, and behind one that is unknown is an error", func(f *fixture) {
		f.append(notification(1, laneA, 0))
		if got := f.list(store.Filter{After: "msg_000001"}); len(got) != 0 {
			f.Errorf("listed %v", got)
		}
		for _, filter := range []store.Filter{{After: "msg_nobody"}, {After: "msg_nobody", State: store.Dead}, {After: "msg_nobody", TokenID: "tok_1"}} {
			if _, err := f.List(f.Context(), filter); !errors.Is(err, store.ErrNotFound) {
				f.Errorf("listing %+v: %v", filter, err)
			}
		}
	}},
	{"a count passes over no more than a list would, whatever the page", func(f *fixture) {
		f.appendMany(1150, laneA)
		for _, filter := range []store.Filter{{}, {Limit: 3}, {After: "msg_000007"}, {After: "msg_nobody"}, {Limit: 3, MerchantID: "40010000001"}} {
			f.wantCount(filter, 1150)
		}
		f.wantCount(store.Filter{MerchantID: "nobody"}, 0)
	}},
}

// wantPages goes through all pages and expects so many records, each once, none received later than the one before.
func (f *fixture) wantPages(filter store.Filter, want int) {
	f.Helper()
	size := filter.Limit
	if size == 0 {
		size = 100
	}
	var all []store.Record
	for {
		page, err := f.List(f.Context(), filter)
		if err != nil {
			f.Fatalf("listing %+v: %v", filter, err)
		}
		all = append(all, page...)
		if len(page) < size || len(all) > want {
			break
		}
		filter.After = page[len(page)-1].ID
	}
	var found []string
	for i, rec := range all {
		found = append(found, rec.ID)
		if i > 0 && rec.ReceivedAt.After(all[i-1].ReceivedAt) {
			f.Fatalf("%s of %s comes after %s of %s", rec.ID, rec.ReceivedAt, all[i-1].ID, all[i-1].ReceivedAt)
		}
	}
	if len(found) != want || len(distinctIDs(found)) != want {
		f.Errorf("%+v: %d, %d different ones; want %d", filter, len(found), len(distinctIDs(found)), want)
	}
	f.wantCount(filter, want)
}

func (f *fixture) wantCount(filter store.Filter, want int) {
	f.Helper()
	if got, err := f.Count(f.Context(), filter); err != nil || got != want {
		f.Errorf("counted %d for %+v, %v; want %d", got, filter, err, want)
	}
}

func distinctIDs(all []string) map[string]bool {
	set := map[string]bool{}
	for _, id := range all {
		set[id] = true
	}
	return set
}

// deliverOnly delivers the one named of those that are due in lane A.
func (f *fixture) deliverOnly(id string) {
	f.Helper()
	for _, d := range f.claim(laneA, after(50), 1000) {
		if d.ID == id {
			f.delivered(d, after(51))
			continue
		}
		f.release(d)
	}
}
