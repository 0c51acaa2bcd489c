package admin_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// TestPagesTellNothingOfAnotherNamespace: neither by the id that goes on, nor by what may be gone on after.
func TestPagesTellNothingOfAnotherNamespace(t *testing.T) {
	w := serveTo(t, newPeople())
	oldest, mine := w.add(shopLane, store.Dead), w.add(ownLane, store.Dead)
	w.advance(time.Minute)
	theirs := w.add(otherLane, store.Dead)
	w.token = "of-viewer"
	var page wire.Notifications
	w.get("/v1/notifications?namespace=payments&limit=1", &page)
	if len(page.Items) != 1 || page.Items[0].ID != mine || page.Next != mine {
		t.Errorf("%+v", page)
	}
	if got := w.listed("?namespace=payments&after=" + mine); !slices.Equal(got, []string{oldest}) {
		t.Errorf("then %v", got)
	}
	for _, query := range []string{"?namespace=payments&after=", "?gatewayId=MGW_000001&after=", "?destination=" + shopLane + "&after="} {
		status, existing := w.call(http.MethodGet, "/v1/notifications"+query+theirs, "")
		_, missing := w.call(http.MethodGet, "/v1/notifications"+query+"none", "")
		if status != http.StatusBadRequest || existing != missing {
			t.Errorf("%s: after another's: %d %s; after none: %s", query, status, existing, missing)
		}
	}
	w.token = "of-admin"
	if got := w.listed("?after=" + theirs); !slices.Equal(got, []string{mine, oldest}) {
		t.Errorf("who may see all goes on after any: %v", got)
	}
}
