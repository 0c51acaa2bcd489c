package admin

import (
	"context"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	// storePage is the most that the store answers at once.
	storePage = 1000
	// maxLooked bounds how many records one page of a list looks at for those of its namespace.
	maxLooked = 5_000
)

// inStore says whether the store alone finds what the criteria choose. It knows no namespaces: those are the beginning of a lane's name.
func (c *criteria) inStore() bool { return c.namespace == "" || c.Lane != "" }

// lanesOf answers the lanes that hold what the criteria choose, when the store can tell: it counts the waiting and the dead by lane, but not the
// delivered.
func (h *handler) lanesOf(ctx context.Context, c *criteria) (lanes []string, complete bool, err error) {
	if c.inStore() || c.State != store.Waiting && c.State != store.Dead {
		return nil, false, nil
	}
	stats, err := h.Store.Lanes(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, s := range stats {
		l, n := splitLane(s.Lane), s.Dead
		if c.State == store.Waiting {
			n = s.Waiting
		}
		if n > 0 && l.namespace == c.namespace && (c.GatewayID == "" || c.GatewayID == l.gatewayID) {
			lanes = append(lanes, s.Lane)
		}
	}
	return lanes, true, nil
}

// page answers the records of one page, and the id to go on after when there may be more. A page of one namespace may be short, or even empty, with
// more to come.
func (h *handler) page(ctx context.Context, c criteria) (found []store.Record, next string, err error) {
	limit := c.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	if lanes, complete, err := h.lanesOf(ctx, &c); err != nil || complete && len(lanes) == 0 {
		return nil, "", err
	} else if complete && len(lanes) == 1 {
		c.Lane = lanes[0]
	}
	f, seen := c.Filter, 0
	for f.Limit = limit + 1; ; f.Limit = min(2*f.Limit, storePage) {
		records, err := h.Store.List(ctx, f)
		if err != nil {
			return nil, "", err
		}
		for i := range records {
			if !c.inStore() && splitLane(records[i].Lane).namespace != c.namespace {
				continue
			}
			if len(found) == limit {
				return found, found[limit-1].ID, nil
			}
			found = append(found, records[i])
		}
		if len(records) < f.Limit {
			return found, "", nil
		}
		f.After = records[len(records)-1].ID
		if seen += len(records); seen >= maxLooked {
			return found, f.After, nil
		}
	}
}
