package notification_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/notification"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/store"
)

func TestN0IsDurableBeforeItIsAnswered(t *testing.T) {
	e := newEndpoint(t)
	e.wantAccepted(e.send(e.n0()))
	e.wantKept(1)
	got := e.store.kept[0]
	want := store.Notification{
		ID: got.ID, GatewayID: "MGW_000001", MerchantID: "40010000001", TokenID: "tok_1", UpdateType: "TOKEN_STATE_CHANGE",
		CorrelationID: "c-1", ReceivedAt: fixture.Now(), Lane: "payments/acme/MGW_000001",
	}
	if got != want || got.ID == "" {
		t.Errorf("kept %+v, want %+v", got, want)
	}
	if lane := <-e.woken; lane != "payments/acme/MGW_000001" {
		t.Errorf("woke lane %s", lane)
	}
	e.wantOutcome(notification.Accepted)
}

func TestRequestsThatAreAccepted(t *testing.T) {
	set := func(name, value string) func(*request) { return func(r *request) { r.header.Set(name, value) } }
	body := func(body string) func(*request) { return func(r *request) { r.body = body } }
	padded := func(size int) string {
		const open, end = `{"updateType":"CARD_UPDATE","x":"`, `"}`
		return open + strings.Repeat("y", size-len(open)-len(end)) + end
	}
	for name, change := range map[string]func(*request){
		"CARD_UPDATE":                    body(`{"updateType":"CARD_UPDATE"}`),
		"unknown well-formed updateType": body(`{"updateType":"A"}`),
		"updateType of 64 characters":    body(`{"updateType":"A` + strings.Repeat("_", 63) + `"}`),
		"unknown members":                body(`{"a":1,"updateType":"CARD_UPDATE","b":{"updateType":"x"}}`),
		"unknown member twice":           body(`{"updateType":"CARD_UPDATE","x":1,"x":2}`),
		"20 levels":                      body(`{"updateType":"CARD_UPDATE","x":` + strings.Repeat("[", 19) + strings.Repeat("]", 19) + `}`),
		"body of 64 KiB":                 body(padded(notification.MaxBodyBytes)),
		"escapes in updateType":          body(`{"updateType":"\u0043ARD_UPDATE"}`),
		"Content-Type with a charset":    set("Content-Type", "application/json; charset=utf-8"),
		"Content-Type in capitals":       set("Content-Type", "APPLICATION/JSON"),
		"the scheme in lower case": func(r *request) {
			r.header.Set("Authorization", "bearer"+strings.TrimPrefix(r.header.Get("Authorization"), "Bearer"))
		},
		"unknown headers and Accept":  func(r *request) { r.header.Set("X-Unknown", "x"); r.header.Set("Accept", "text/plain") },
		"a query":                     func(r *request) { r.path += "?x=y" },
		"x-correlation-id missing":    func(r *request) { r.header.Del("X-Correlation-Id") },
		"x-correlation-id malformed":  set("X-Correlation-Id", "a b"),
		"x-correlation-id too long":   set("X-Correlation-Id", strings.Repeat("a", 65)),
		"x-correlation-id twice":      func(r *request) { r.header.Add("X-Correlation-Id", "c-2") },
		"encoded letters in the path": func(r *request) { r.path = strings.Replace(r.path, "tok_1", "%74ok%5F1", 1) },
		"a tokenId of 48 characters":  func(r *request) { r.path = strings.Replace(r.path, "tok_1", strings.Repeat("a", 48), 1) },
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			r := e.n0()
			change(&r)
			e.wantAccepted(e.send(r))
			e.wantKept(1)
		})
	}
}

func TestFirstOffendingField(t *testing.T) {
	set := func(name, value string) func(*request) { return func(r *request) { r.header.Set(name, value) } }
	body := func(body string) func(*request) { return func(r *request) { r.body = body } }
	path := func(from, to string) func(*request) {
		return func(r *request) { r.path = strings.Replace(r.path, from, to, 1) }
	}
	all := func(changes ...func(*request)) func(*request) {
		return func(r *request) {
			for _, change := range changes {
				change(r)
			}
		}
	}
	twice := func(r *request) { r.header.Add("Authorization", r.header.Get("Authorization")) }
	for name, c := range map[string]struct {
		field  string
		change func(*request)
	}{
		"gateway id too short":                    {"merchantGatewayId", path("MGW_000001", "MGW_00001")},
		"gateway id empty":                        {"merchantGatewayId", path("MGW_000001", "")},
		"gateway id of the wrong alphabet":        {"merchantGatewayId", path("MGW_000001", "MGW.000001")},
		"gateway id with an encoded line end":     {"merchantGatewayId", path("MGW_000001", "MGW_00000%0A")},
		"merchant id too long":                    {"merchantId", path("40010000001", "400100000012")},
		"merchant id with an encoded slash":       {"merchantId", path("40010000001", "4001000000%2F")},
		"token id too long":                       {"tokenId", path("tok_1", strings.Repeat("a", 49))},
		"token id empty":                          {"tokenId", path("tok_1", "")},
		"token id of the wrong alphabet":          {"tokenId", path("tok_1", "tok:1")},
		"token id with an encoded slash":          {"tokenId", path("tok_1", "tok%2F1")},
		"token id beyond ASCII":                   {"tokenId", path("tok_1", "t%C3%B6k")},
		"token id with an encoded NUL":            {"tokenId", path("tok_1", "tok%00")},
		"merchant id before token id":             {"merchantId", all(path("tok_1", "t.1"), path("40010000001", "x"))},
		"gateway id before everything":            {"merchantGatewayId", all(path("MGW_000001", "x"), set("Authorization", "Bearer x"), body(""))},
		"two Authorization headers":               {"authorization", twice},
		"path before two Authorization headers":   {"tokenId", all(twice, path("tok_1", "t.1"))},
		"two Authorization headers before others": {"authorization", all(twice, set("Content-Type", "text/plain"), body(""))},
		"wrong Content-Type":                      {"content-type", set("Content-Type", "text/plain")},
		"form Content-Type":                       {"content-type", set("Content-Type", "application/x-www-form-urlencoded")},
		"no Content-Type":                         {"content-type", func(r *request) { r.header.Del("Content-Type") }},
		"two Content-Types":                       {"content-type", func(r *request) { r.header.Add("Content-Type", "application/json") }},
		"Content-Encoding present":                {"content-encoding", set("Content-Encoding", "gzip")},
		"Content-Encoding identity":               {"content-encoding", set("Content-Encoding", "identity")},
		"Content-Type before Content-Encoding":    {"content-type", all(set("Content-Encoding", "gzip"), set("Content-Type", "text/plain"))},
		"path before headers":                     {"merchantId", all(path("40010000001", "x"), set("Content-Type", "text/plain"))},
		"headers before body":                     {"content-type", all(set("Content-Type", "text/plain"), body("x"))},
		"body missing":                            {"body", body("")},
		"body and Content-Type missing":           {"body", all(body(""), func(r *request) { r.header.Del("Content-Type") })},
		"body not JSON":                           {"body", body("x")},
		"body an array":                           {"body", body(`[{"updateType":"CARD_UPDATE"}]`)},
		"body null":                               {"body", body(`null`)},
		"body not UTF-8":                          {"body", body("{\"updateType\":\"CARD_UPDATE\",\"x\":\"\xff\"}")},
		"body cut short":                          {"body", body(`{"updateType":"CARD_UPDATE"`)},
		"body with trailing data":                 {"body", body(`{"updateType":"CARD_UPDATE"}{}`)},
		"body nested without end":                 {"body", body(`{"updateType":"CARD_UPDATE","x":` + strings.Repeat("[", 60000))},
		"body over 64 KiB":                        {"body", body(`{"updateType":"CARD_UPDATE"}` + strings.Repeat(" ", notification.MaxBodyBytes-27))},
		"updateType missing":                      {"updateType", body(`{}`)},
		"updateType in another letter case":       {"updateType", body(`{"UpdateType":"CARD_UPDATE"}`)},
		"updateType null":                         {"updateType", body(`{"updateType":null}`)},
		"updateType not a string":                 {"updateType", body(`{"updateType":1}`)},
		"updateType twice":                        {"updateType", body(`{"updateType":"CARD_UPDATE","updateType":"TOKEN_STATE_CHANGE"}`)},
		"updateType lower case":                   {"updateType", body(`{"updateType":"card_update"}`)},
		"updateType empty":                        {"updateType", body(`{"updateType":""}`)},
		"updateType with a line end":              {"updateType", body(`{"updateType":"CARD_UPDATE\n"}`)},
		"updateType with a space":                 {"updateType", body(`{"updateType":" CARD_UPDATE"}`)},
		"updateType of 65 characters":             {"updateType", body(`{"updateType":"A` + strings.Repeat("B", 64) + `"}`)},
		"a bad field of an unknown merchant":      {"updateType", all(path("40010000001", "40010000002"), body(`{}`))},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEndpoint(t)
			r := e.n0()
			c.change(&r)
			e.wantField(e.send(r), c.field)
			e.wantKept(0)
		})
	}
}

func TestStrictGateway(t *testing.T) {
	e := newEndpoint(t)
	e.Gateway.StrictUpdateTypes = true
	e.Publish()
	r := e.n0()
	e.wantAccepted(e.send(r))
	r.body = `{"updateType":"CARD_UPDATE"}`
	e.wantAccepted(e.send(r))
	r.body = `{"updateType":"TOKEN_CREATED"}`
	e.wantField(e.send(r), "updateType")
	e.wantKept(2)
}

func TestAnUndocumentedUpdateTypeIsCounted(t *testing.T) {
	e := newEndpoint(t)
	r := e.n0()
	e.wantAccepted(e.send(r))
	if e.observer.undocumented != 0 {
		t.Error("a documented one was counted")
	}
	r.body = `{"updateType":"TOKEN_CREATED"}`
	e.wantAccepted(e.send(r))
	if e.observer.undocumented != 1 {
		t.Errorf("counted %d", e.observer.undocumented)
	}
}

func TestUnknownGatewayAndMerchant(t *testing.T) {
	e := newEndpoint(t)
	r := e.n0()
	r.path = strings.Replace(r.path, "MGW_000001", "MGW_999999", 1)
	e.wantJSON(e.send(r), http.StatusNotFound, `{"errorCode":"UNKNOWN_MERCHANT","error":"merchantGatewayId"}`)
	r.header.Del("Authorization")
	e.wantJSON(e.send(r), http.StatusNotFound, `{"errorCode":"UNKNOWN_MERCHANT","error":"merchantGatewayId"}`)
	r = e.n0()
	r.path = strings.Replace(r.path, "40010000001", "40010000002", 1)
	e.wantJSON(e.send(r), http.StatusNotFound, `{"errorCode":"UNKNOWN_MERCHANT","error":"merchantId"}`)
	e.Gateway.DeliverUnlisted = true
	e.Publish()
	e.wantAccepted(e.send(r))
	e.wantKept(1)
	e.Gateway.Hostnames = []string{"d1.acme.example"}
	e.Publish()
	e.wantJSON(e.send(r), http.StatusNotFound, `{"errorCode":"UNKNOWN_MERCHANT","error":"merchantGatewayId"}`)
}

func TestOtherMethods(t *testing.T) {
	e := newEndpoint(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		for _, path := range []string{fixture.NotifyPath, strings.Replace(fixture.NotifyPath, "MGW_000001", "x", 1)} {
			r := e.n0()
			r.method, r.body, r.path = method, "", path
			if got := e.send(r); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "POST" || got.body != "" || got.header.Get("Content-Type") != "" {
				t.Errorf("%s is answered %d %v", method, got.status, got.header)
			}
		}
	}
}

func TestAnyOtherPathIsAnEmpty404(t *testing.T) {
	e := newEndpoint(t)
	for _, path := range []string{"/", fixture.NotifyPath + "/", "/" + fixture.NotifyPath, "/x"} {
		r := e.n0()
		r.path = path
		if got := e.send(r); got.status != http.StatusNotFound || got.body != "" || got.header.Get("Content-Type") != "" {
			t.Errorf("%s is answered %d %v %s", path, got.status, got.header, got.body)
		}
	}
}

func TestEachCallIsANotificationOfItsOwn(t *testing.T) {
	e := newEndpoint(t)
	r := e.n0()
	const calls = 5
	for range calls {
		e.wantAccepted(e.send(r))
	}
	r.path = strings.Replace(r.path, "tok_1", "tok_2", 1)
	e.wantAccepted(e.send(r)) // the same x-correlation-id on another token
	e.wantKept(calls + 1)
	last := ""
	for _, n := range e.store.kept {
		if n.ID <= last {
			t.Errorf("id %s comes after %s", n.ID, last)
		}
		last = n.ID
		if n.CorrelationID != "c-1" {
			t.Errorf("correlation id is %s", n.CorrelationID)
		}
	}
}

func TestACorrelationIdIsGeneratedWhenThereIsNoUsableOne(t *testing.T) {
	const malformed = "planted\\\"id"
	e := newEndpoint(t)
	r := e.n0()
	for _, values := range [][]string{nil, {""}, {malformed}, {"c-1", "c-2"}, {strings.Repeat("c", 65)}} {
		r.header["X-Correlation-Id"] = values
		e.wantAccepted(e.send(r))
	}
	seen := map[string]bool{}
	for _, n := range e.store.kept {
		if len(n.CorrelationID) < 16 || strings.HasPrefix(n.CorrelationID, "c") && len(n.CorrelationID) == 65 || seen[n.CorrelationID] {
			t.Errorf("correlation id %q", n.CorrelationID)
		}
		seen[n.CorrelationID] = true
	}
	if strings.Contains(e.log.String(), "planted") {
		t.Errorf("the malformed one is logged: %s", e.log)
	}
}

func TestNotReady(t *testing.T) {
	e := newEndpoint(t, func(o *notification.Options) {
		o.Ready = func() bool { return false }
		o.Snapshot = func() *serving.Snapshot { return new(serving.Snapshot) }
	})
	e.wantUnavailable(e.send(e.n0()))
	e.wantOutcome(notification.NotReady)
}

// It is served without a network, where only the store can be late.
func TestDeadlinePassed(t *testing.T) {
	e := newEndpoint(t, func(o *notification.Options) { o.Timeout = time.Millisecond })
	e.store.fails = func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	n0 := e.n0()
	r := httptest.NewRequest(n0.method, n0.path, strings.NewReader(n0.body))
	r.Header = n0.header
	w := httptest.NewRecorder()
	notification.NewHandler(e.options).ServeHTTP(w, r)
	e.wantUnavailable(answer{status: w.Code, header: w.Header(), body: w.Body.String()})
	e.wantOutcome(notification.StoreFailed)
	e.wantKept(0)
}
