package admin_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin"
	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

const (
	planted    = "planted-secret-that-nobody-may-see-again"
	cardNumber = "4111111111111111" // passes the Luhn check
)

// TestNoLogLineOrAnswerHoldsATokenOrACardNumber goes through the ways that a request can take with planted values.
func TestNoLogLineOrAnswerHoldsATokenOrACardNumber(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(planted+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPeople()
	p.tokens[planted+"-of-an-admin"] = "admin"
	w := serve(t, func(_ *world, o *admin.Options) { o.Open, o.Access, o.TokenFiles = false, p, []string{path} })
	id := w.add(shopLane, store.Dead, func(n *store.Notification) { n.TokenID, n.CorrelationID = cardNumber, cardNumber })
	w.advance(time.Second)
	pauseNote := `{"destination":"` + shopLane + `","reason":"ask about ` + cardNumber + `"}`
	for _, w.token = range []string{planted, planted + "-of-an-admin", planted + "-of-nobody", "Basic " + planted} {
		for _, c := range [][3]string{
			{"GET", "/v1/notifications"}, {"GET", "/v1/notifications?tokenId=" + cardNumber}, {"GET", "/v1/notifications?" + planted + "=x"}, {"GET", "/v1/notifications?state=" + planted},
			{"GET", "/v1/notifications/" + id}, {"GET", "/v1/notifications/" + cardNumber}, {"GET", "/" + planted}, {"GET", "/v1/destinations?after=" + planted},
			{"POST", "/v1/replays", `{"filter":{"state":"Dead","tokenId":"` + cardNumber + `"},"dryRun":true}`}, {"POST", "/v1/replays", `{"filter":{"state":"Dead","tokenId":"` + cardNumber + `"},"confirmCount":1}`},
			{"POST", "/v1/replays", planted}, {"POST", "/v1/replays", `{"filter":{"state":"` + planted + `"}}`}, {"POST", "/v1/notifications/" + id + "/replay"},
			{"POST", "/v1/destinations/pause", pauseNote}, {"GET", "/v1/destinations"}, {"POST", "/v1/destinations/resume", `{"destination":"` + shopLane + `"}`},
		} {
			_, text := w.call(c[0], c[1], c[2])
			if strings.Contains(text, cardNumber) || strings.Contains(text, planted) && !strings.Contains(c[1], planted+"=x") {
				t.Errorf("%v is answered %s", c, text)
			}
		}
	}
	if log := w.log.String(); strings.Contains(log, cardNumber) || strings.Contains(log, planted) {
		t.Errorf("the log holds a planted value: %s", log)
	}
}

func TestATokenThatLooksLikeACardNumberIsFoundByItsWholeIDAndShownMasked(t *testing.T) {
	w := serve(t, nil)
	id := w.add(shopLane, store.Dead, func(n *store.Notification) { n.TokenID = cardNumber })
	var page wire.Notifications
	w.get("/v1/notifications?tokenId="+url.QueryEscape(cardNumber), &page)
	if len(page.Items) != 1 || page.Items[0].TokenID != "************1111" || page.Items[0].ID != id {
		t.Errorf("%+v", page)
	}
	w.advance(time.Second)
	var got wire.Replayed
	w.post("/v1/replays", `{"filter":{"state":"Dead","tokenId":"`+cardNumber+`"},"confirmCount":1}`, &got)
	if got.Replayed != 1 {
		t.Errorf("%+v", got)
	}
	if status, _ := w.call(http.MethodGet, "/v1/notifications?tokenId=************1111", ""); status != http.StatusBadRequest {
		t.Errorf("a masked one is answered %d", status)
	}
}
