package admin_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

func names(page wire.Destinations) []string {
	all := make([]string, len(page.Items))
	for i, d := range page.Items {
		all[i] = d.Destination
	}
	return all
}

func TestDestinationsTellWhatWaitsAndWhatIsDead(t *testing.T) {
	const gone = "payments/former/MGW_000009"
	w := serve(t, nil)
	w.add(ownLane, store.Dead)
	w.advance(time.Minute)
	w.add(ownLane, store.Waiting)
	w.add(gone, store.Waiting)
	w.add(otherLane, store.Delivered)
	var page wire.Destinations
	w.get("/v1/destinations", &page)
	if got := names(page); !slices.Equal(got, []string{ownLane, gone}) {
		t.Fatalf("%v", got)
	}
	d := page.Items[0]
	if d.Namespace != "payments" || d.Gateway != "acme" || d.GatewayID != "MGW_000001" || d.MerchantID != "40010000001" || !d.Configured || d.Waiting != 1 || d.Dead != 1 || !d.OldestWaiting.Equal(start.Add(time.Minute)) || d.Pauses != nil {
		t.Errorf("%+v", d)
	}
	if page.Items[1].Configured {
		t.Error("one whose gateway is gone is shown as configured")
	}
	for query, want := range map[string][]string{
		"?all=true": {shopLane, ownLane, gone, otherLane}, "?all=false": {ownLane, gone}, "?all=true&namespace=travel": {otherLane}, "?all=true&gatewayId=MGW_000001": {shopLane, ownLane},
		"?merchantId=40010000001": {ownLane}, "?namespace=travel": {}, "?all=true&after=" + ownLane: {gone, otherLane},
	} {
		w.get("/v1/destinations"+query, &page)
		if got := names(page); !slices.Equal(got, want) || page.Next != "" {
			t.Errorf("%s lists %v, %q", query, got, page.Next)
		}
	}
	w.get("/v1/destinations?all=true&limit=3", &page)
	if got := names(page); len(got) != 3 || page.Next != gone {
		t.Errorf("%v, %q", got, page.Next)
	}
	for query, name := range map[string]string{"?all=yes": "all", "?all=": "all", "?state=Dead": "state", "?limit=0": "limit", "?after=x": "after", "?namespace=": "namespace", "?all=true&all=true": "all"} {
		w.refused(http.StatusBadRequest, name, http.MethodGet, "/v1/destinations"+query, "")
	}
}

func TestADestinationIsPausedAndResumed(t *testing.T) {
	w := serve(t, nil)
	var page wire.Destinations
	w.post("/v1/destinations/pause", `{"destination":"`+shopLane+`","reason":"their release"}`, &page)
	want := wire.Pause{Of: "Destination", Since: start, By: "anonymous", Reason: "their release"}
	if len(page.Items) != 1 || !slices.Equal(page.Items[0].Pauses, []wire.Pause{want}) {
		t.Fatalf("%+v", page)
	}
	w.advance(time.Minute)
	w.post("/v1/destinations/pause", `{"destination":"`+shopLane+`","reason":"still"}`, &page)
	want.Reason = "still"
	if !slices.Equal(page.Items[0].Pauses, []wire.Pause{want}) {
		t.Errorf("again: %+v", page)
	}
	w.get("/v1/destinations", &page)
	if got := names(page); !slices.Equal(got, []string{shopLane}) {
		t.Errorf("listed: %v", got)
	}
	w.post("/v1/destinations/resume", `{"destination":"`+shopLane+`"}`, &page)
	if len(page.Items) != 1 || page.Items[0].Pauses != nil {
		t.Errorf("resumed: %+v", page)
	}
	w.refused(http.StatusConflict, "not paused", http.MethodPost, "/v1/destinations/resume", `{"destination":"`+shopLane+`"}`)
	w.get("/v1/destinations", &page)
	if len(page.Items) != 0 {
		t.Errorf("a pause that ended is listed: %+v", page)
	}
	if w.changed.Load() != 3 {
		t.Errorf("the dispatcher was told %d times", w.changed.Load())
	}
	lines := w.audits()
	if len(lines) != 4 || lines[0]["audit"] != "pause" || lines[0]["destination"] != shopLane || lines[0]["reason"] != "their release" || lines[2]["audit"] != "resume" {
		t.Errorf("audit lines %v", lines)
	}
}

func TestAGatewayIsPausedWithAllItsDestinations(t *testing.T) {
	w := serve(t, nil)
	var page wire.Destinations
	w.post("/v1/destinations/pause", `{"gateway":"`+shopLane+`"}`, &page)
	if got := names(page); !slices.Equal(got, []string{shopLane, ownLane}) {
		t.Fatalf("%v", got)
	}
	w.post("/v1/destinations/pause", `{"destination":"`+shopLane+`"}`, &page)
	if p := page.Items[0].Pauses; len(p) != 2 || p[0].Of == p[1].Of {
		t.Errorf("paused twice: %+v", p)
	}
	w.refused(http.StatusConflict, "not paused", http.MethodPost, "/v1/destinations/resume", `{"destination":"`+ownLane+`"}`)
	w.post("/v1/destinations/resume", `{"gateway":"`+shopLane+`"}`, &page)
	if p := page.Items[0].Pauses; len(p) != 1 || p[0].Of != "Destination" || page.Items[1].Pauses != nil {
		t.Errorf("resumed: %+v", page)
	}
}

func TestAPauseOfAGatewayThatIsGoneIsShownAndCanBeEnded(t *testing.T) {
	const gone = "payments/former/MGW_000009"
	w := serve(t, nil)
	if err := w.store.Pause(t.Context(), store.Pause{Lane: gone, WholeGateway: true, Since: start}); err != nil {
		t.Fatal(err)
	}
	var page wire.Destinations
	w.get("/v1/destinations", &page)
	if got := names(page); !slices.Equal(got, []string{gone}) || page.Items[0].Configured || len(page.Items[0].Pauses) != 1 {
		t.Errorf("%+v", page)
	}
	w.post("/v1/destinations/resume", `{"gateway":"`+gone+`"}`, &page)
	if len(page.Items) != 0 {
		t.Errorf("%+v", page)
	}
}

func TestAWrongTargetIsRefused(t *testing.T) {
	w := serve(t, nil)
	for body, name := range map[string]string{
		`{}`: "destination", `{"destination":"` + shopLane + `","gateway":"` + shopLane + `"}`: "either", `{"destination":"acme"}`: "destination", `{"gateway":"` + ownLane + `"}`: "gateway",
		`{"gateway":""}`: "gateway", `{"Destination":"` + shopLane + `"}`: "Destination", `{"destination":["` + shopLane + `"]}`: "destination", `"x"`: "object",
	} {
		w.refused(http.StatusBadRequest, name, http.MethodPost, "/v1/destinations/pause", body)
		w.refused(http.StatusBadRequest, name, http.MethodPost, "/v1/destinations/resume", body)
	}
	for _, reason := range []string{strings.Repeat("x", 301), `a\nb`, `\u001b[2J`, `\u202e`} {
		w.refused(http.StatusBadRequest, "reason", http.MethodPost, "/v1/destinations/pause", `{"destination":"`+shopLane+`","reason":"`+reason+`"}`)
	}
	w.refused(http.StatusBadRequest, "reason", http.MethodPost, "/v1/destinations/resume", `{"destination":"`+shopLane+`","reason":"x"}`)
	w.refused(http.StatusNotFound, "destination", http.MethodPost, "/v1/destinations/pause", `{"destination":"payments/acmee/MGW_000001"}`)
	w.refused(http.StatusNotFound, "destination", http.MethodPost, "/v1/destinations/pause", `{"gateway":"payments/acmee/MGW_000001"}`)
	if pauses, err := w.store.Pauses(t.Context()); err != nil || len(pauses) != 0 {
		t.Errorf("%v %v", pauses, err)
	}
}
