package admin_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

func TestNotificationsAreListedByWhatIsAskedForNewestFirst(t *testing.T) {
	w := serve(t, nil)
	done := w.add(shopLane, store.Delivered)
	w.advance(time.Minute)
	dead := w.add(ownLane, store.Dead, func(n *store.Notification) { n.UpdateType, n.MerchantID = "TOKEN_STATE_CHANGE", "40010000002" })
	w.advance(time.Minute)
	waits := w.add(otherLane, store.Waiting)
	for _, c := range []struct {
		query string
		want  []string
	}{
		{"", []string{waits, dead, done}},
		{"?state=Waiting", []string{waits}},
		{"?state=Dead", []string{dead}},
		{"?namespace=payments", []string{dead, done}},
		{"?namespace=payments&state=Delivered", []string{done}},
		{"?namespace=nobody", nil},
		{"?gatewayId=MGW_000002", []string{waits}},
		{"?merchantId=40010000002", []string{dead}},
		{"?tokenId=tok_1", []string{done}},
		{"?correlationId=c-2", []string{dead}},
		{"?updateType=TOKEN_STATE_CHANGE", []string{dead}},
		{"?reason=gone", []string{dead}},
		{"?reason=timeout", nil},
		{"?destination=" + url.QueryEscape(ownLane), []string{dead}},
		{"?destination=" + shopLane, []string{done}},
		{"?receivedFrom=2026-11-22T03:01:00Z", []string{waits, dead}},
		{"?receivedUntil=2026-11-22T03:01:00Z", []string{done}},
		{"?receivedFrom=2026-11-22T04:01:00%2B01:00&receivedUntil=2026-11-22T03:02:00Z", []string{dead}},
	} {
		if got := w.listed(c.query); !slices.Equal(got, c.want) {
			t.Errorf("%q lists %v, not %v", c.query, got, c.want)
		}
	}
}

func TestPagesFollowEachOtherWithoutGapOrRepetition(t *testing.T) {
	w := serve(t, nil)
	var all, payments []string
	for i := range 23 {
		if i%3 == 0 {
			w.advance(time.Second) // so that several were received together
		}
		lane := otherLane
		if i%4 == 0 {
			lane = shopLane
		}
		id := w.add(lane, store.Waiting)
		all = append(all, id)
		if lane == shopLane {
			payments = append(payments, id)
		}
	}
	for _, c := range []struct {
		query string
		limit int
		want  []string
	}{{"", 5, all}, {"", 23, all}, {"", 22, all}, {"namespace=payments&", 2, payments}, {"namespace=payments&", 6, payments}, {"namespace=travel&state=Waiting&", 500, slices.DeleteFunc(slices.Clone(all), func(id string) bool { return slices.Contains(payments, id) })}} {
		var got []string
		after, pages := "", 0
		for {
			var page wire.Notifications
			w.get("/v1/notifications?"+c.query+"limit="+strconv.Itoa(c.limit)+after, &page)
			for _, n := range page.Items {
				got = append(got, n.ID)
			}
			if pages++; len(page.Items) > c.limit || page.Next == "" || pages > len(all) {
				break
			}
			after = "&after=" + page.Next
		}
		// Those received together may stand in any order, but always in the same.
		if whole := w.listed("?" + c.query + "limit=500"); !slices.Equal(got, whole) {
			t.Errorf("%s limit %d lists %v, at once it is %v", c.query, c.limit, got, whole)
		}
		if slices.Sort(got); !slices.Equal(got, c.want) {
			t.Errorf("%s limit %d lists %v, not %v", c.query, c.limit, got, c.want)
		}
		if most := len(c.want)/c.limit + 1; pages > most {
			t.Errorf("%s limit %d takes %d pages, not %d at most", c.query, c.limit, pages, most)
		}
	}
	w.refused(http.StatusBadRequest, "after", http.MethodGet, "/v1/notifications?after=gone", "")
}

func TestOneNotificationIsShownWithItsAttempts(t *testing.T) {
	w := serve(t, nil)
	id := w.add(shopLane, store.Waiting)
	record, err := w.store.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	w.advance(time.Second)
	w.attempt(record.Notification, store.Outcome{State: store.Waiting, Reason: "timeout", NextAttempt: w.clock().Add(5 * time.Second)})
	w.advance(5 * time.Second)
	w.attempt(record.Notification, store.Outcome{State: store.Dead, Reason: "gone", Status: 410})
	var got wire.Notification
	w.get("/v1/notifications/"+id, &got)
	want := []wire.Attempt{
		{EndedAt: start.Add(time.Second), TookMilliseconds: 42, Reason: "timeout"}, {EndedAt: start.Add(6 * time.Second), TookMilliseconds: 42, Reason: "gone", Status: 410},
	}
	if got.State != "Dead" || got.Attempts != 2 || got.LastReason != "gone" || got.Destination != shopLane || !slices.Equal(got.History, want) {
		t.Errorf("%+v", got)
	}
	var page wire.Notifications
	w.get("/v1/notifications", &page)
	if len(page.Items) != 1 || page.Items[0].History != nil {
		t.Errorf("the list has %+v", page.Items)
	}
	w.refused(http.StatusNotFound, "id", http.MethodGet, "/v1/notifications/none", "")
}

func TestAWrongParameterIsRefusedByName(t *testing.T) {
	w := serve(t, nil)
	w.add(shopLane, store.Waiting)
	for query, name := range map[string]string{
		"?status=Dead": "status", "?state=dead": "state", "?state=": "state", "?state=Dead&state=Dead": "state", "?State=Dead": "State",
		"?limit=0": "limit", "?limit=501": "limit", "?limit=x": "limit", "?limit=": "limit", "?limit=%2B5": "limit", "?after=": "after", "?after=a%2Fb": "after",
		"?namespace=Payments": "namespace", "?namespace=a/b": "namespace", "?gatewayId=MGW_1": "gatewayId", "?merchantId=4001": "merchantId", "?tokenId=": "tokenId",
		"?tokenId=a%20b": "tokenId", "?correlationId=a*": "correlationId", "?updateType=card": "updateType", "?reason=Timeout": "reason",
		"?destination=payments": "destination", "?destination=payments/acme/MGW_000001/1": "destination", "?destination=payments/acme/MGW_000001/": "destination",
		"?destination=" + shopLane + "&namespace=travel": "destination", "?destination=" + shopLane + "&gatewayId=MGW_000002": "destination",
		"?receivedFrom=yesterday": "receivedFrom", "?receivedFrom=2026-11-22": "receivedFrom", "?receivedUntil=2026-11-22T25:00:00Z": "receivedUntil",
		"?receivedFrom=2026-11-22T03:00:00Z&receivedUntil=2026-11-22T03:00:00Z": "receivedFrom", "?a;b": "query", "?%zz": "query",
	} {
		w.refused(http.StatusBadRequest, name, http.MethodGet, "/v1/notifications"+query, "")
	}
}

func TestOtherMethodsAndPathsAreRefused(t *testing.T) {
	w := serve(t, nil)
	for target, allow := range map[string]string{
		"/v1/notifications": "GET", "/v1/notifications/x": "GET", "/v1/notifications/x/replay": "POST", "/v1/replays": "POST",
		"/v1/destinations": "GET", "/v1/destinations/pause": "POST", "/v1/destinations/resume": "POST", "/openapi.json": "GET",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "OPTIONS"} {
			if method == allow {
				continue
			}
			if status, answered := w.answer(method, target); status != http.StatusMethodNotAllowed || answered.Get("Allow") != allow {
				t.Errorf("%s %s: %d, Allow %q", method, target, status, answered.Get("Allow"))
			}
		}
	}
	for _, target := range []string{"/", "/v1", "/v1/lanes", "/v1//notifications", "/v1/../v1/notifications", "/v1/notifications/", "/v1/notifications/a%2Fb", "/v1/notifications/x/y", "//"} {
		w.refused(http.StatusNotFound, "openapi", http.MethodGet, target, "")
	}
}

func TestTheDescriptionIsServedAsItIs(t *testing.T) {
	w := serve(t, nil)
	status, text := w.call(http.MethodGet, "/openapi.json", "")
	if status != http.StatusOK || !strings.Contains(text, `"openapi": "3.1.0"`) {
		t.Errorf("%d %.60s", status, text)
	}
}

func TestAStoreThatDoesNotAnswerIsUnavailableAndSaysNothingOfItself(t *testing.T) {
	w := serve(t, nil)
	id := w.add(shopLane, store.Dead)
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]string{
		{"GET", "/v1/notifications"}, {"GET", "/v1/notifications?namespace=payments"}, {"GET", "/v1/notifications/" + id}, {"POST", "/v1/notifications/" + id + "/replay"}, {"GET", "/v1/destinations"},
		{"POST", "/v1/replays", `{"filter":{"state":"Dead","namespace":"payments"},"dryRun":true}`}, {"POST", "/v1/replays", `{"filter":{"state":"Dead"},"all":true,"confirmCount":1}`},
		{"POST", "/v1/destinations/pause", `{"destination":"` + shopLane + `"}`}, {"POST", "/v1/destinations/resume", `{"destination":"` + shopLane + `"}`},
	} {
		status, answered, text := w.send(c[0], c[1], c[2])
		if status != http.StatusServiceUnavailable || answered.Get("Retry-After") == "" || strings.Contains(text, "sql") || strings.Contains(text, "closed") {
			t.Errorf("%v: %d %s", c, status, text)
		}
	}
}
