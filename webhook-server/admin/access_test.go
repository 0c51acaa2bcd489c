package admin_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/admin"
	"github.com/d1gateway/d1gateway/webhook-server/admin/wire"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// people is a cluster's users by token, and what each may do: "verb resource namespace", "" for all namespaces.
type people struct {
	mu          sync.Mutex
	tokens      map[string]string
	rights      map[string][]string
	fault       error
	asked       int // how often whose token it is
	rightsAsked int
}

func (p *people) Authenticate(_ context.Context, token string) (admin.Caller, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	name, ok := p.tokens[token]
	switch {
	case p.fault != nil:
		return admin.Caller{}, p.fault
	case !ok:
		return admin.Caller{}, admin.ErrUnauthenticated
	}
	return admin.Caller{Name: name, Groups: []string{"people"}}, nil
}

func (p *people) Authorize(_ context.Context, c admin.Caller, a admin.Action) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rightsAsked++
	if p.fault != nil {
		return p.fault
	}
	for _, namespace := range []string{a.Namespace, ""} {
		if slices.Contains(p.rights[c.Name], string(a.Verb)+" "+string(a.Resource)+" "+namespace) {
			return nil
		}
	}
	return admin.ErrForbidden
}

func (p *people) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func newPeople() *people {
	viewer := []string{"list notifications payments", "get notifications payments", "list destinations payments"}
	return &people{
		tokens: map[string]string{"of-viewer": "viewer", "of-operator": "operator", "of-admin": "admin", "of-nobody": "nobody"},
		rights: map[string][]string{
			"viewer":   viewer,
			"operator": append(slices.Clone(viewer), "replay notifications payments", "pause destinations payments", "resume destinations payments"),
			"admin":    {"list notifications ", "get notifications ", "replay notifications ", "list destinations ", "pause destinations ", "resume destinations "},
		},
	}
}

// serveTo starts an API for people.
func serveTo(t *testing.T, p *people) *world {
	t.Helper()
	return serve(t, func(_ *world, o *admin.Options) { o.Open, o.Access = false, p })
}

func TestEachMayDoWhatTheirRightsSayAndNothingElse(t *testing.T) {
	w := serveTo(t, newPeople())
	mine, theirs := w.add(shopLane, store.Dead), w.add(otherLane, store.Dead)
	w.advance(time.Second)
	const list, dry = "/v1/notifications", `{"filter":{"state":"Dead","reason":"gone"NS},"dryRun":true}`
	within := func(ns string) string { return strings.Replace(dry, "NS", `,"namespace":"`+ns+`"`, 1) }
	anywhere := strings.Replace(dry, "NS", "", 1)
	type statuses [4]int // of the viewer, operator, admin, and of one without rights
	for _, c := range []struct {
		method, target, body string
		want                 statuses
	}{
		{"GET", list, "", statuses{403, 403, 200, 403}},
		{"GET", list + "?namespace=payments", "", statuses{200, 200, 200, 403}},
		{"GET", list + "?gatewayId=MGW_000001", "", statuses{200, 200, 200, 403}},
		{"GET", list + "?destination=" + ownLane, "", statuses{200, 200, 200, 403}},
		{"GET", list + "?namespace=travel", "", statuses{403, 403, 200, 403}},
		{"GET", list + "?gatewayId=MGW_000002", "", statuses{403, 403, 200, 403}},
		{"GET", list + "?gatewayId=MGW_000002&namespace=payments", "", statuses{200, 200, 200, 403}}, // nothing matches
		{"GET", list + "?gatewayId=MGW_000003", "", statuses{403, 403, 200, 403}},
		{"GET", list + "?destination=" + otherLane, "", statuses{403, 403, 200, 403}},
		{"GET", list + "?tokenId=tok_2", "", statuses{403, 403, 200, 403}},
		{"GET", list + "/" + mine, "", statuses{200, 200, 200, 403}},
		{"GET", list + "/" + theirs, "", statuses{403, 403, 200, 403}},
		{"GET", list + "/none", "", statuses{403, 403, 404, 403}},
		{"POST", "/v1/replays", within("payments"), statuses{403, 200, 200, 403}},
		{"POST", "/v1/replays", within("travel"), statuses{403, 403, 200, 403}},
		{"POST", "/v1/replays", anywhere, statuses{403, 403, 200, 403}},
		{"POST", list + "/" + mine + "/replay", "", statuses{403, 200, 200, 403}},
		{"POST", list + "/" + theirs + "/replay", "", statuses{403, 403, 200, 403}},
		{"POST", list + "/none/replay", "", statuses{403, 403, 404, 403}},
		{"GET", "/v1/destinations", "", statuses{403, 403, 200, 403}},
		{"GET", "/v1/destinations?namespace=payments", "", statuses{200, 200, 200, 403}},
		{"GET", "/v1/destinations?gatewayId=MGW_000001", "", statuses{200, 200, 200, 403}},
		{"POST", "/v1/destinations/pause", `{"destination":"` + shopLane + `"}`, statuses{403, 200, 200, 403}},
		{"POST", "/v1/destinations/pause", `{"gateway":"` + otherLane + `"}`, statuses{403, 403, 200, 403}},
		{"POST", "/v1/destinations/pause", `{"destination":"payments/none/MGW_000001"}`, statuses{403, 404, 404, 403}},
		{"POST", "/v1/destinations/resume", `{"destination":"` + otherLane + `"}`, statuses{403, 403, 409, 403}},
	} {
		for i, name := range []string{"viewer", "operator", "admin", "nobody"} {
			w.token = "of-" + name
			status, text := w.call(c.method, c.target, c.body)
			if status != c.want[i] {
				t.Errorf("%s %s %s by %s: %d, not %d", c.method, c.target, c.body, name, status, c.want[i])
			}
			if c.want[i] == http.StatusForbidden && (strings.Contains(text, "MGW") || strings.Contains(text, "tok_")) {
				t.Errorf("the refusal of %s tells: %s", c.target, text)
			}
		}
	}
	if line := w.audits()[0]; line["audit"] != "refused" || line["caller"] != "viewer" || line["path"] != list {
		t.Errorf("the log says of the first refusal %v", line)
	}
	w.token = "of-viewer"
	for _, query := range []string{"?namespace=payments", "?gatewayId=MGW_000001", "?namespace=payments&gatewayId=MGW_000002"} {
		if got := w.listed(query); slices.Contains(got, theirs) {
			t.Errorf("%s lists another namespace's", query)
		}
	}
}

// TestAnotherNamespacesFormerGatewayStaysItsOwn: a merchantGatewayId may be another namespace's later.
func TestAnotherNamespacesFormerGatewayStaysItsOwn(t *testing.T) {
	w := serveTo(t, newPeople())
	former := w.add("travel/old/MGW_000001", store.Dead)
	mine := w.add(shopLane, store.Dead)
	w.advance(time.Second)
	w.token = "of-operator"
	if got := w.listed("?gatewayId=MGW_000001"); !slices.Equal(got, []string{mine}) {
		t.Errorf("listed: %v", got)
	}
	var got wire.Replayed
	w.post("/v1/replays", `{"filter":{"state":"Dead","gatewayId":"MGW_000001"},"confirmCount":1}`, &got)
	if got.Matched != 1 || got.Replayed != 1 || w.state(former) != store.Dead {
		t.Errorf("%+v; the other is %s", got, w.state(former))
	}
	if line := w.audits()[0]; line["caller"] != "operator" || line["namespace"] != "payments" {
		t.Errorf("audit line %v", line)
	}
}

func TestThePauseSaysWhoAskedForIt(t *testing.T) {
	w := serveTo(t, newPeople())
	w.token = "of-operator"
	var page wire.Destinations
	w.post("/v1/destinations/pause", `{"destination":"`+shopLane+`"}`, &page)
	if got := page.Items[0].Pauses[0].By; got != "operator" {
		t.Errorf("by %q", got)
	}
}

func TestNobodyIsLetInWithoutATokenThatIsTheirs(t *testing.T) {
	w := serveTo(t, newPeople())
	for _, header := range [][]string{nil, {"Authorization", "Bearer "}, {"Authorization", "Basic of-admin"}, {"Authorization", "of-admin"}, {"Authorization", "Bearer of-adminx"}, {"Authorization", "Bearer of admin"}, {"Authorization", "Bearer " + strings.Repeat("x", 20_000)}} {
		status, answered := w.answer(http.MethodGet, "/v1/notifications", header...)
		if status != http.StatusUnauthorized || !strings.HasPrefix(answered.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%.60v: %d", header, status)
		}
	}
	if status, _ := w.answer(http.MethodGet, "/v1/notifications", "Authorization", "bearer of-admin"); status != http.StatusOK {
		t.Errorf("a scheme in lower case is answered %d", status)
	}
}

func TestWhenTheClusterDoesNotAnswerNobodyIsLetIn(t *testing.T) {
	p := newPeople()
	w := serveTo(t, p)
	w.token = "of-admin"
	p.change(func() { p.fault = errors.New("connection refused: planted-detail") })
	status, answered := w.answer(http.MethodGet, "/v1/notifications")
	_, text := w.call(http.MethodGet, "/v1/notifications", "")
	if status != http.StatusServiceUnavailable || answered.Get("Retry-After") == "" || strings.Contains(text, "planted") {
		t.Errorf("%d %s", status, text)
	}
	p.change(func() { p.fault = nil })
	if got, _ := w.call(http.MethodGet, "/v1/notifications", ""); got != http.StatusOK {
		t.Errorf("a fault is remembered: %d", got)
	}
	p.change(func() { p.fault = errors.New("away again") })
	if got, _ := w.call(http.MethodGet, "/v1/notifications", ""); got != http.StatusOK {
		t.Errorf("what is known is not remembered: %d", got)
	}
	w.advance(time.Minute)
	if got, _ := w.call(http.MethodGet, "/v1/notifications", ""); got != http.StatusServiceUnavailable {
		t.Errorf("a minute later: %d", got)
	}
}

func TestAnswersOfTheClusterAreRememberedForAWhile(t *testing.T) {
	p := newPeople()
	w := serveTo(t, p)
	w.token = "of-admin"
	for range 5 {
		w.listed("")
	}
	if p.asked != 1 || p.rightsAsked != 1 {
		t.Errorf("asked %d times who it is, %d times what they may do", p.asked, p.rightsAsked)
	}
	p.change(func() { delete(p.tokens, "of-admin") })
	w.advance(31 * time.Second)
	if got, _ := w.call(http.MethodGet, "/v1/notifications", ""); got != http.StatusUnauthorized {
		t.Errorf("a revoked token is answered %d half a minute later", got)
	}
	p.change(func() { p.tokens["of-admin"] = "admin" })
	w.advance(11 * time.Second)
	p.change(func() { p.rights["admin"] = nil })
	if got, _ := w.call(http.MethodGet, "/v1/notifications", ""); got != http.StatusForbidden {
		t.Errorf("a right that was taken away is answered %d", got)
	}
}

func TestWrongTokensAreNotAskedAboutWithoutEnd(t *testing.T) {
	p := newPeople()
	w := serveTo(t, p)
	w.token = "of-admin"
	w.listed("") // known from now on
	asked := p.asked
	last := 0
	for i := range 100 {
		w.token = "guess-" + strings.Repeat("x", i)
		last, _ = w.call(http.MethodGet, "/v1/notifications", "")
	}
	if last != http.StatusTooManyRequests || p.asked-asked > 25 {
		t.Errorf("the last of 100 guesses is answered %d, the cluster was asked about %d", last, p.asked-asked)
	}
	w.token = "of-admin"
	if got, _ := w.call(http.MethodGet, "/v1/notifications", ""); got != http.StatusOK {
		t.Errorf("one who is known is answered %d meanwhile", got)
	}
	w.token = "of-viewer"
	if status, answered := w.answer(http.MethodGet, "/v1/notifications?namespace=payments"); status != http.StatusTooManyRequests || answered.Get("Retry-After") == "" {
		t.Errorf("one who is not is answered %d", status)
	}
	w.advance(2 * time.Minute)
	if got, _ := w.call(http.MethodGet, "/v1/notifications?namespace=payments", ""); got != http.StatusOK {
		t.Errorf("two minutes later: %d", got)
	}
}

func TestWhatAWebPageMakesABrowserSendIsRefused(t *testing.T) {
	w := serve(t, nil)
	id := w.add(shopLane, store.Dead)
	w.advance(time.Second)
	for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}} {
		if status, _ := w.answer(http.MethodPost, "/v1/notifications/"+id+"/replay", header...); status != http.StatusForbidden {
			t.Errorf("%v: %d", header, status)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+"/v1/notifications", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "evil.example" // whose address is now 127.0.0.1
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusForbidden || w.state(id) != store.Dead {
		t.Errorf("%d, %s", response.StatusCode, w.state(id))
	}
}
