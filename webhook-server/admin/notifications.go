package admin

import (
	"context"
	"errors"
	"net/http"

	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

func (h *handler) list(w http.ResponseWriter, r *http.Request) error {
	c, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return invalid(err)
	}
	if c.Namespace, err = h.permitWithin(r.Context(), ResourceNotifications, VerbList, c.Namespace, c.GatewayID); err != nil {
		return err
	}
	records, next, err := h.page(r.Context(), c)
	if errors.Is(err, store.ErrNotFound) {
		return refused(http.StatusBadRequest, "after names a notification that is not there any more: begin again without it")
	}
	if err != nil {
		return err
	}
	page := wire.Notifications{Items: make([]wire.Notification, len(records)), Next: next}
	for i := range records {
		page.Items[i] = shown(&records[i])
	}
	answer(w, http.StatusOK, page)
	return nil
}

func (h *handler) show(w http.ResponseWriter, r *http.Request) error {
	record, err := h.get(r, VerbGet)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, shown(&record))
	return nil
}

// get answers the notification of the path when the caller may do that to it. Who may not do it everywhere is told the same of one that is not there and of
// one that is not theirs.
func (h *handler) get(r *http.Request, verb Verb) (store.Record, error) {
	id := r.PathValue("id")
	if err := checkID("id", id); err != nil {
		return store.Record{}, invalid(err)
	}
	var record store.Record
	err := h.lookUp(r.Context(), func(ctx context.Context) (err error) {
		record, err = h.Store.Get(ctx, id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		if err := h.permit(r.Context(), ResourceNotifications, verb, ""); err != nil {
			return record, err
		}
		return record, refused(http.StatusNotFound, "no notification has this id: it is wrong, or the notification was kept for its time and is gone")
	}
	if err != nil {
		return record, err
	}
	return record, h.permit(r.Context(), ResourceNotifications, verb, splitLane(record.Lane).namespace)
}

func shown(r *store.Record) wire.Notification {
	n := wire.Notification{
		ID: r.ID, State: string(r.State), Destination: r.Lane, GatewayID: r.GatewayID, MerchantID: r.MerchantID, TokenID: r.TokenID,
		UpdateType: r.UpdateType, CorrelationID: r.CorrelationID, ReceivedAt: r.ReceivedAt.UTC(), Attempts: r.Attempts, LastReason: r.LastReason,
		LastAttempt: r.LastAttempt.UTC(), NextAttempt: r.NextAttempt.UTC(), ReplayedAt: r.ReplayedAt.UTC(),
	}
	for _, a := range r.History {
		n.History = append(n.History, wire.Attempt{EndedAt: a.EndedAt.UTC(), TookMilliseconds: a.Took.Milliseconds(), Reason: a.Reason, Status: a.Status})
	}
	return n
}
