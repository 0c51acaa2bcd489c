package admin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

func (w *world) state(id string) store.State {
	w.t.Helper()
	r, err := w.store.Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return r.State
}

func TestADryRunCountsAndChangesNothing(t *testing.T) {
	w := serve(t, nil)
	dead := []string{w.add(shopLane, store.Dead), w.add(shopLane, store.Dead), w.add(ownLane, store.Dead), w.add(otherLane, store.Dead)}
	w.add(shopLane, store.Waiting)
	for filter, want := range map[string]int{
		`{"state":"Dead","namespace":"payments"}`: 3, `{"state":"Dead","gatewayId":"MGW_000001"}`: 3, `{"state":"Dead","destination":"` + shopLane + `"}`: 2,
		`{"state":"Dead","reason":"gone"}`: 4, `{"state":"Dead","namespace":"travel","reason":"timeout"}`: 0, `{"state":"Waiting","tokenId":"tok_5"}`: 1,
	} {
		var got wire.Replayed
		w.post("/v1/replays", `{"filter":`+filter+`,"dryRun":true}`, &got)
		if got.Matched != want || got.Replayed != 0 || !got.Done || !got.DryRun || !got.At.Equal(start) {
			t.Errorf("%s: %+v, want %d", filter, got, want)
		}
	}
	for _, id := range dead {
		if got := w.state(id); got != store.Dead {
			t.Errorf("%s is %s", id, got)
		}
	}
	if n := len(w.audits()); n != 0 || w.changed.Load() != 0 {
		t.Errorf("%d audit lines, the dispatcher was told %d times", n, w.changed.Load())
	}
}

func TestWhatWasCountedIsReplayedAndNothingElse(t *testing.T) {
	w := serve(t, nil)
	dead := []string{w.add(shopLane, store.Dead), w.add(ownLane, store.Dead)}
	other := w.add(otherLane, store.Dead)
	w.advance(time.Minute)
	var dry, got wire.Replayed
	w.post("/v1/replays", `{"filter":{"state":"Dead","namespace":"payments"},"dryRun":true}`, &dry)
	w.advance(time.Minute)
	late := w.add(shopLane, store.Dead) // died after it was counted
	ask := fmt.Sprintf(`{"filter":{"state":"Dead","namespace":"payments"},"confirmCount":%d,"at":%q}`, dry.Matched, dry.At.Format(time.RFC3339Nano))
	w.post("/v1/replays", ask, &got)
	if got.Replayed != 2 || !got.Done || got.DryRun || !got.At.Equal(dry.At) {
		t.Errorf("%+v", got)
	}
	for _, id := range dead {
		if w.state(id) != store.Waiting {
			t.Errorf("%s does not wait", id)
		}
	}
	if w.state(other) != store.Dead || w.state(late) != store.Dead {
		t.Error("it replayed something else")
	}
	w.post("/v1/replays", ask, &got)
	if got.Replayed != 0 {
		t.Errorf("again, it replays %d", got.Replayed)
	}
	lines := w.audits()
	if len(lines) != 4 || lines[1]["caller"] != "anonymous" || lines[1]["replayed"] != 2.0 || lines[1]["state"] != "Dead" || lines[1]["namespace"] != "payments" {
		t.Errorf("audit lines %v", lines)
	}
	if w.changed.Load() != 1 {
		t.Errorf("the dispatcher was told %d times", w.changed.Load())
	}
}

func TestADeliveredNotificationIsReplayedWithinItsTime(t *testing.T) {
	w := serve(t, nil)
	id := w.add(shopLane, store.Delivered)
	w.advance(time.Hour)
	late := w.add(shopLane, store.Delivered)
	other := w.add(otherLane, store.Delivered)
	w.advance(time.Hour)
	var got wire.Replayed
	w.post("/v1/replays", `{"filter":{"state":"Delivered","namespace":"travel","receivedFrom":"2026-11-22T02:59:00Z","receivedUntil":"2026-11-22T05:30:00Z"},"confirmCount":1}`, &got)
	if got.Matched != 1 || got.Replayed != 1 || w.state(other) != store.Waiting || w.state(late) != store.Delivered {
		t.Errorf("of a namespace: %+v", got)
	}
	w.post("/v1/replays", `{"filter":{"state":"Delivered","receivedFrom":"2026-11-22T02:59:00Z","receivedUntil":"2026-11-22T03:30:00Z"},"confirmCount":1}`, &got)
	if got.Matched != 1 || got.Replayed != 1 || w.state(id) != store.Waiting || w.state(late) != store.Delivered {
		t.Errorf("%+v", got)
	}
}

func TestAReplayThatIsLikelyAMistakeIsRefused(t *testing.T) {
	w := serve(t, nil)
	id := w.add(shopLane, store.Dead)
	delivered := `"state":"Delivered","namespace":"payments"`
	for body, name := range map[string]string{
		``: "JSON object", `[]`: "JSON object", `{`: "JSON object", `{}x`: "JSON object", `{} {}`: "JSON object", `{"filter":{"state":"Dead"}`: "JSON object", "{\"\xff\":1}": "JSON object",
		`{}`: "filter", `{"filter":null}`: "filter", `{"filter":[],"dryRun":true}`: "filter",
		`{"filter":{},"dryRun":true}`: "state", `{"filter":{"namespace":"payments"},"dryRun":true}`: "state",
		`{"filter":{"state":"Dead"},"dryRun":true}`: "all", `{"filter":{"state":"Dead"},"confirmCount":1}`: "all", `{"filter":{"state":"Dead"},"all":false,"dryRun":true}`: "all",
		`{"filter":{"state":"Dead","namespace":"payments"},"all":true,"dryRun":true}`: "all",
		`{"filter":{"state":"Dead","namespace":"payments"}}`:                          "dryRun", `{"filter":{"state":"Dead","namespace":"payments"},"dryRun":false}`: "dryRun",
		`{"filter":{"state":"Dead","namespace":"payments"},"dryRun":true,"confirmCount":1}`:                                       "dryRun",
		`{"filter":{` + delivered + `},"dryRun":true}`:                                                                            "receivedFrom",
		`{"filter":{` + delivered + `,"receivedFrom":"2026-11-22T00:00:00Z"},"dryRun":true}`:                                      "receivedUntil",
		`{"filter":{"state":"Delivered"},"all":true,"dryRun":true}`:                                                               "receivedFrom",
		`{"filter":{"state":"Dead","tokenId":""},"dryRun":true}`:                                                                  "tokenId",
		`{"filter":{"state":"Dead","tokenid":"tok_1"},"dryRun":true}`:                                                             "tokenid",
		`{"filter":{"state":"Dead","tokenId":1},"dryRun":true}`:                                                                   "tokenId",
		`{"filter":{"state":"Dead","state":"Waiting"},"dryRun":true}`:                                                             "state",
		`{"filter":{"state":"Dead","limit":"5"},"dryRun":true}`:                                                                   "limit",
		`{"filter":{"state":"Dead","namespace":"payments"},"dryrun":true,"confirmCount":1}`:                                       "dryrun",
		`{"filter":{"state":"Dead","namespace":"payments"},"dryRun":"true"}`:                                                      "dryRun",
		`{"filter":{"state":"Dead","namespace":"payments"},"confirmCount":-1}`:                                                    "confirmCount",
		`{"filter":{"state":"Dead","namespace":"payments"},"confirmCount":1.5}`:                                                   "confirmCount",
		`{"filter":{"state":"Dead","namespace":"payments"},"confirmCount":"1"}`:                                                   "confirmCount",
		`{"filter":{"state":"Dead","namespace":"payments"},"confirmCount":99999999999}`:                                           "confirmCount",
		`{"filter":{"state":"Dead","namespace":"payments"},"confirmCount":1,"at":"now"}`:                                          "at",
		`{"filter":{"state":"Dead","namespace":"payments"},"confirmCount":1,"at":"2026-11-22T01:59:59Z"}`:                         "at",
		`{"filter":{"state":"Dead","namespace":"payments"},"confirmCount":1,"at":"2026-11-22T03:01:01Z"}`:                         "at",
		`{"filter":{"state":"Dead","namespace":"payments"},"filter":{"state":"Dead","namespace":"payments"},"confirmCount":1}`:    "filter",
		`{"filter":{"state":"Dead","namespace":"payments"},"confirmCount":1,"` + strings.Repeat("x", 2000) + `":"planted-value"}`: "unknown",
	} {
		w.refused(http.StatusBadRequest, name, http.MethodPost, "/v1/replays", body)
	}
	w.refused(http.StatusBadRequest, "unknown", http.MethodPost, "/v1/notifications/"+id+"/replay", `{"dryRun":true}`)
	w.refused(http.StatusRequestEntityTooLarge, "16384", http.MethodPost, "/v1/replays", `{"filter":"`+strings.Repeat("x", 20_000)+`"}`)
	if status, _, _ := w.send(http.MethodPost, "/v1/replays", `{"filter":{"state":"Dead","namespace":"payments"},"confirmCount":1}`, "Content-Type", "text/plain"); status != http.StatusUnsupportedMediaType {
		t.Errorf("plain text is answered %d", status)
	}
	if w.state(id) != store.Dead || len(w.audits()) != 0 {
		t.Error("something was replayed")
	}
}

func TestASetThatHasGrownFarBeyondTheDryRunIsRefused(t *testing.T) {
	w := serve(t, nil)
	for range 12 {
		w.add(shopLane, store.Dead)
	}
	w.advance(time.Second)
	status, text := w.call(http.MethodPost, "/v1/replays", `{"filter":{"state":"Dead","namespace":"payments"},"confirmCount":1}`)
	var problem wire.Problem
	if err := json.Unmarshal([]byte(text), &problem); err != nil || status != http.StatusConflict || problem.Matched == nil || *problem.Matched != 12 {
		t.Fatalf("%d %s", status, text)
	}
	if got := w.listed("?state=Dead"); len(got) != 12 {
		t.Errorf("%d are dead still", len(got))
	}
	var got wire.Replayed
	w.post("/v1/replays", `{"filter":{"state":"Dead"},"all":true,"confirmCount":2}`, &got) // ten more are within bounds
	if got.Replayed != 12 {
		t.Errorf("%+v", got)
	}
}

func TestOneNotificationIsReplayed(t *testing.T) {
	w := serve(t, nil)
	for _, state := range []store.State{store.Dead, store.Delivered} {
		id := w.add(shopLane, state)
		w.advance(time.Minute)
		var got wire.Replayed
		w.post("/v1/notifications/"+id+"/replay", "", &got)
		if got.Matched != 1 || got.Replayed != 1 || !got.Done || w.state(id) != store.Waiting {
			t.Errorf("%s: %+v", state, got)
		}
		w.post("/v1/notifications/"+id+"/replay", "{}", &got)
		if got.Replayed != 0 {
			t.Errorf("one that is due is replayed: %+v", got)
		}
	}
	w.refused(http.StatusNotFound, "id", http.MethodPost, "/v1/notifications/none/replay", "")
	var ended []any
	for _, line := range w.audits() {
		if line["audit"] == "replay of a notification ended" {
			ended = append(ended, line["replayed"])
		}
	}
	if !slices.Equal(ended, []any{1.0, 0.0, 1.0, 0.0}) {
		t.Errorf("the audit lines say %v were replayed", ended)
	}
}
