package admin

import (
	"context"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// page answers the records of one page, and the id to go on after when there are more. store.ErrNotFound when there is nothing to go on after.
func (h *handler) page(ctx context.Context, c criteria) (found []store.Record, next string, err error) {
	limit := c.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	c.Limit = limit + 1 // one more says whether there is a next page
	err = h.search(ctx, c.Filter, func(ctx context.Context) (err error) {
		if err := h.checkAfter(ctx, c); err != nil {
			return err
		}
		found, err = h.Store.List(ctx, c.Filter)
		return err
	})
	if err != nil || len(found) <= limit {
		return found, "", err
	}
	return found[:limit], found[limit-1].ID, nil
}

// checkAfter answers for a notification of another namespace the same as for none: it would tell when that was received.
func (h *handler) checkAfter(ctx context.Context, c criteria) error {
	if c.After == "" || c.Namespace == "" {
		return nil
	}
	last, err := h.Store.Get(ctx, c.After)
	if err == nil && splitLane(last.Lane).namespace != c.Namespace {
		return store.ErrNotFound
	}
	return err
}

// count counts what the criteria choose.
func (h *handler) count(ctx context.Context, c criteria) (n int, err error) {
	err = h.search(ctx, c.Filter, func(ctx context.Context) (err error) {
		n, err = h.Store.Count(ctx, c.Filter)
		return err
	})
	return n, err
}
