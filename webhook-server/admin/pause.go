package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	// maxReasonChars bounds the note of a pause, and maxCallerChars the name kept with it.
	maxReasonChars = 300
	maxCallerChars = 253
)

// target is what is paused or resumed.
type target struct {
	lane   string
	whole  bool // all destinations of the gateway
	reason string
}

// parseTarget reads a wire.Target.
func parseTarget(body []byte, withReason bool) (target, error) {
	var t target
	var given []string
	err := readObject(body, func(name string, value json.RawMessage) error {
		text, err := asText(name, value)
		switch {
		case err != nil:
			return err
		case name == "destination" || name == "gateway":
			given = append(given, name)
			t.lane, t.whole = text, name == "gateway"
			l, ok := parseLane(text)
			if t.whole && (!ok || l.merchantID != "") {
				return errors.New("gateway must be namespace/name/merchantGatewayId")
			}
			if !ok {
				return errors.New("destination must be namespace/name/merchantGatewayId or namespace/name/merchantGatewayId/merchantId, as lists show it")
			}
			return nil
		case name == "reason" && withReason:
			t.reason = text
			return checkReason(text)
		}
		return errors.New("unknown member " + quoted(name) + ": use destination or gateway")
	})
	if err == nil && len(given) != 1 {
		err = errors.New("name either a destination or a gateway")
	}
	return t, err
}

// checkReason refuses what would not be one short line for those who read it.
func checkReason(text string) error {
	if len(text) > maxReasonChars || strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
		return fmt.Errorf("reason must be one line of at most %d bytes", maxReasonChars)
	}
	return nil
}

func (h *handler) pause(w http.ResponseWriter, r *http.Request) error {
	t, err := h.target(w, r, VerbPause)
	if err != nil {
		return err
	}
	// A pause of what is not there would look as if it held something back.
	if known, err := h.known(r.Context()); err != nil {
		return err
	} else if len(t.of(known)) == 0 {
		return refused(http.StatusNotFound, "there is no such destination: look it up in the list of all of them")
	}
	h.audit(r, "pause", t.attrs()...)
	by := callerOf(r.Context()).Name
	if len(by) > maxCallerChars {
		by = strings.ToValidUTF8(by[:maxCallerChars], "")
	}
	p := store.Pause{Lane: t.lane, WholeGateway: t.whole, Since: h.Now().UTC().Truncate(time.Millisecond), By: by, Reason: t.reason}
	if err := h.Store.Pause(r.Context(), p); err != nil {
		return err
	}
	return h.changed(r.Context(), w, t)
}

func (h *handler) resume(w http.ResponseWriter, r *http.Request) error {
	t, err := h.target(w, r, VerbResume)
	if err != nil {
		return err
	}
	h.audit(r, "resume", t.attrs()...)
	err = h.Store.Resume(r.Context(), t.lane, t.whole, h.Now().UTC().Truncate(time.Millisecond))
	if errors.Is(err, store.ErrNotFound) {
		return refused(http.StatusConflict, "it is not paused by itself: the list of destinations shows what is, and whether its gateway is instead")
	}
	if err != nil {
		return err
	}
	return h.changed(r.Context(), w, t)
}

// target reads what the request is about, and checks that the caller may.
func (h *handler) target(w http.ResponseWriter, r *http.Request, verb Verb) (target, error) {
	text, err := body(w, r)
	if err != nil {
		return target{}, err
	}
	t, err := parseTarget(text, verb == VerbPause)
	if err != nil {
		return t, invalid(err)
	}
	return t, h.permit(r.Context(), ResourceDestinations, verb, splitLane(t.lane).namespace)
}

// changed tells the dispatcher, and answers how what was changed is now.
func (h *handler) changed(ctx context.Context, w http.ResponseWriter, t target) error {
	h.Changed()
	known, err := h.known(ctx)
	if err != nil {
		return err
	}
	answer(w, http.StatusOK, wire.Destinations{Items: t.of(known)})
	return nil
}

// of answers the destinations that it is about, in order.
func (t target) of(known map[string]*wire.Destination) []wire.Destination {
	found := []wire.Destination{}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if name == t.lane || t.whole && splitLane(name).gateway() == t.lane {
			found = append(found, *known[name])
		}
	}
	return found
}

func (t target) attrs() []slog.Attr {
	name := "destination"
	if t.whole {
		name = "gateway"
	}
	attrs := []slog.Attr{slog.String(name, t.lane)}
	if t.reason != "" {
		attrs = append(attrs, slog.String("reason", t.reason))
	}
	return attrs
}
