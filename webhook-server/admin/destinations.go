package admin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// destinationQuery chooses destinations.
type destinationQuery struct {
	criteria        // of which only namespace, gatewayId, merchantId and limit are used
	all      bool   // also those with nothing waiting, dead or paused
	after    string // the name of the last destination of the page before
}

func parseDestinationQuery(query string) (destinationQuery, error) {
	var q destinationQuery
	values, err := url.ParseQuery(query)
	if err != nil {
		return q, errors.New("the query is not well formed")
	}
	for name, list := range values {
		if len(list) > 1 {
			return q, fmt.Errorf("parameter %s stands twice", quoted(name))
		}
		switch name {
		case "namespace", "gatewayId", "merchantId":
			err = q.set(name, list[0])
		case "all":
			q.all, err = asBool(name, []byte(list[0]))
		case "limit":
			q.Limit, err = parseLimit(list[0])
		case "after":
			if _, ok := parseLane(list[0]); !ok {
				err = errors.New("after must be the name of a destination, the next of the page before")
			}
			q.after = list[0]
		default:
			err = errors.New("unknown parameter " + quoted(name) + ": use namespace, gatewayId, merchantId, all, limit or after")
		}
		if err != nil {
			return q, err
		}
	}
	return q, nil
}

func (h *handler) destinations(w http.ResponseWriter, r *http.Request) error {
	q, err := parseDestinationQuery(r.URL.RawQuery)
	if err != nil {
		return invalid(err)
	}
	if q.Namespace, err = h.permitWithin(r.Context(), ResourceDestinations, VerbList, q.Namespace, q.GatewayID); err != nil {
		return err
	}
	known, err := h.known(r.Context())
	if err != nil {
		return err
	}
	limit := q.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	page := wire.Destinations{Items: []wire.Destination{}}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		d := known[name]
		if name <= q.after || !q.matches(d) {
			continue
		}
		if len(page.Items) == limit {
			page.Next = page.Items[limit-1].Destination
			break
		}
		page.Items = append(page.Items, *d)
	}
	answer(w, http.StatusOK, page)
	return nil
}

func (q *destinationQuery) matches(d *wire.Destination) bool {
	return (q.Namespace == "" || d.Namespace == q.Namespace) && (q.GatewayID == "" || d.GatewayID == q.GatewayID) &&
		(q.MerchantID == "" || d.MerchantID == q.MerchantID) && (q.all || d.Waiting > 0 || d.Dead > 0 || len(d.Pauses) > 0)
}

// known answers all destinations by name: those configured, those that something waits for or died of, and those paused.
func (h *handler) known(ctx context.Context) (map[string]*wire.Destination, error) {
	var stats []store.LaneStats
	var pauses []store.Pause
	err := h.lookUp(ctx, func(ctx context.Context) (err error) {
		if stats, err = h.Store.Lanes(ctx); err == nil {
			pauses, err = h.Store.Pauses(ctx)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	all := map[string]*wire.Destination{}
	named := func(name string) *wire.Destination {
		if all[name] == nil {
			l := splitLane(name)
			all[name] = &wire.Destination{Destination: name, Namespace: l.namespace, Gateway: l.name, GatewayID: l.gatewayID, MerchantID: l.merchantID}
		}
		return all[name]
	}
	for _, name := range h.Lanes() {
		named(name).Configured = true
	}
	for _, s := range stats {
		d := named(s.Lane)
		d.Waiting, d.OldestWaiting, d.Dead = s.Waiting, s.OldestWaiting.UTC(), s.Dead
	}
	addPauses(pauses, all, named)
	return all, nil
}

// addPauses shows the pauses that hold. One of a gateway shows at each of its destinations; when there is none, at the name of the gateway, so that it is seen.
func addPauses(pauses []store.Pause, all map[string]*wire.Destination, named func(string) *wire.Destination) {
	ofGateway := map[string][]*wire.Destination{}
	for name, d := range all {
		ofGateway[splitLane(name).gateway()] = append(ofGateway[splitLane(name).gateway()], d)
	}
	for _, p := range pauses {
		if !p.Until.IsZero() {
			continue
		}
		shown := wire.Pause{Of: wire.OfDestination, Since: p.Since.UTC(), By: p.By, Reason: p.Reason}
		targets := []*wire.Destination{named(p.Lane)}
		if p.WholeGateway {
			shown.Of = wire.OfGateway
			if held := ofGateway[p.Lane]; len(held) > 0 {
				targets = held
			}
		}
		for _, d := range targets {
			d.Pauses = append(d.Pauses, shown)
		}
	}
}
