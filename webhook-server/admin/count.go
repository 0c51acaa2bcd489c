package admin

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// countTimeout bounds a count, and leaves a replay its time.
const countTimeout = 30 * time.Second

// tally is how many notifications match, and the filters that together choose them, and nothing else, in the store.
type tally struct {
	matched int
	filters []store.Filter
}

var errBusy = refused(http.StatusServiceUnavailable, "too many requests search the store: ask again")

// count counts what the criteria choose.
func (h *handler) count(ctx context.Context, c criteria) (tally, error) {
	select {
	case h.scans <- struct{}{}:
		defer func() { <-h.scans }()
	default:
		return tally{}, errBusy
	}
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	if c.inStore() {
		n, err := h.Store.Count(ctx, c.Filter)
		return tally{n, []store.Filter{c.Filter}}, err
	}
	lanes, complete, err := h.lanesOf(ctx, &c)
	if err != nil {
		return tally{}, err
	}
	if !complete {
		return h.countByReading(ctx, c)
	}
	var t tally
	for _, f := range ofEach(lanes, c.Filter) {
		n, err := h.Store.Count(ctx, f)
		if err != nil {
			return t, err
		}
		t.matched += n
		t.filters = append(t.filters, f)
	}
	return t, nil
}

// countByReading reads all that match in any namespace. It is for the delivered, which a replay bounds by the time that they were received.
func (h *handler) countByReading(ctx context.Context, c criteria) (tally, error) {
	var t tally
	lanes := map[string]bool{}
	f := c.Filter
	for f.Limit = storePage; ; {
		records, err := h.Store.List(ctx, f)
		if errors.Is(err, store.ErrNotFound) {
			return t, refused(http.StatusServiceUnavailable, "old notifications were removed while they were counted: ask again")
		}
		if err != nil {
			return t, err
		}
		for i := range records {
			if splitLane(records[i].Lane).namespace == c.namespace {
				t.matched++
				lanes[records[i].Lane] = true
			}
		}
		if len(records) < storePage {
			t.filters = ofEach(slices.Sorted(maps.Keys(lanes)), c.Filter)
			return t, nil
		}
		f.After = records[len(records)-1].ID
	}
}

// ofEach is a filter for each of the lanes.
func ofEach(lanes []string, f store.Filter) []store.Filter {
	filters := make([]store.Filter, len(lanes))
	for i, name := range lanes {
		filters[i] = f
		filters[i].Lane = name
	}
	return filters
}
