package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	// replayStep is how many are made due in one call of the store, which takes them in smaller transactions itself.
	replayStep = 10_000
	// replayTime bounds the steps of one request. The caller asks again, and it goes on.
	replayTime = 12 * time.Second
	// stepTimeout bounds one of them.
	stepTimeout = 10 * time.Second
)

// replayOne delivers one notification again.
func (h *handler) replayOne(w http.ResponseWriter, r *http.Request) error {
	text, err := body(w, r)
	if err != nil {
		return err
	}
	if len(text) > 0 {
		if err := readObject(text, noMembers); err != nil {
			return invalid(err)
		}
	}
	record, err := h.get(r, VerbReplay)
	if err != nil {
		return err
	}
	at := h.Now().UTC().Truncate(time.Millisecond)
	h.audit(r, "replay of a notification", slog.String("id", record.ID), slog.String("state", string(record.State)), slog.String("destination", record.Lane))
	n := 0
	err = h.lookUp(r.Context(), func(ctx context.Context) (err error) {
		n, err = h.Store.Replay(ctx, store.Filter{ID: record.ID}, at, 1)
		return err
	})
	if err != nil {
		return err
	}
	h.Changed()
	h.audit(r, "replay of a notification ended", slog.String("id", record.ID), slog.Int("replayed", n))
	answer(w, http.StatusOK, wire.Replayed{Matched: 1, Replayed: n, Done: true, At: at})
	return nil
}

// replayMany counts in a dry run, and delivers again what a dry run has counted.
func (h *handler) replayMany(w http.ResponseWriter, r *http.Request) error {
	text, err := body(w, r)
	if err != nil {
		return err
	}
	now := h.Now().UTC().Truncate(time.Millisecond)
	ask, err := parseReplay(text, now)
	if err != nil {
		return invalid(err)
	}
	if ask.Namespace, err = h.permitWithin(r.Context(), ResourceNotifications, VerbReplay, ask.Namespace, ask.GatewayID); err != nil {
		return err
	}
	matched, err := h.count(r.Context(), ask.criteria)
	if err != nil {
		return err
	}
	result := wire.Replayed{Matched: matched, Done: true, At: ask.at, DryRun: ask.dryRun}
	if ask.dryRun {
		answer(w, http.StatusOK, result)
		return nil
	}
	if matched > ask.allowed() {
		return &refusal{http.StatusConflict, wire.Problem{
			Error: "far more match now than confirmCount says: do another dry run, and look at what has come", Matched: &matched,
		}}
	}
	end, err := h.replays.take(r.Context(), callerOf(r.Context()))
	if err != nil {
		return err
	}
	defer end()
	attrs := append(ask.attrs(), slog.Int("matched", matched), slog.Time("at", ask.at))
	h.audit(r, "replay", attrs...)
	result.Replayed, result.Done, err = h.replay(r.Context(), ask)
	if result.Replayed > 0 {
		h.Changed()
	}
	// Also when the caller has gone: this line is then the one place that says how far it came.
	h.audit(r, "replay ended", append(attrs, slog.Int("replayed", result.Replayed), slog.Bool("done", result.Done))...)
	if err != nil {
		h.Logger.ErrorContext(r.Context(), "replay stopped half-way", "replayed", result.Replayed, "error", err)
		return &refusal{http.StatusServiceUnavailable, wire.Problem{
			Error: "the store stopped answering half-way: ask again with the same at, and it goes on", Replayed: result.Replayed, At: ask.at,
		}}
	}
	answer(w, http.StatusOK, result)
	return nil
}

// replay makes due what the criteria choose, in steps, the oldest first. It says how many it did, also when it fails.
func (h *handler) replay(ctx context.Context, ask replayRequest) (replayed int, done bool, err error) {
	for end := h.Now().Add(replayTime); h.Now().Before(end); {
		if err := ctx.Err(); err != nil {
			return replayed, false, fmt.Errorf("the caller has gone: %w", err)
		}
		n, err := h.step(ctx, ask.Filter, ask.at)
		replayed += n
		if err != nil || n < replayStep {
			return replayed, err == nil, err
		}
	}
	return replayed, false, nil
}

// step makes the next few due. It ends even when the caller leaves meanwhile, so that it is known how many there were.
func (h *handler) step(ctx context.Context, f store.Filter, at time.Time) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
	defer cancel()
	return h.Store.Replay(ctx, f, at, replayStep)
}

func noMembers(name string, _ json.RawMessage) error {
	return errors.New("unknown member " + quoted(name))
}
