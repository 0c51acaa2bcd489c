package merchant

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const data = `{"updateType":"TOKEN_STATE_CHANGE"}`

var (
	currentKey  = bytes.Repeat([]byte("k"), 32)
	previousKey = bytes.Repeat([]byte("p"), 24)
	foreignKey  = bytes.Repeat([]byte("f"), 32)
)

func secret(key []byte) string { return secretPrefix + base64.StdEncoding.EncodeToString(key) }

// sign follows the text of Standard Webhooks and not its library, so that the two check
// each other.
func sign(key []byte, id string, at time.Time, body string) string {
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// delivery is a correct request that the tests then spoil.
func delivery(id string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/hooks/d1", strings.NewReader(data))
	now := time.Now()
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Webhook-Id": id, "Webhook-Timestamp": fmt.Sprint(now.Unix()),
		"Webhook-Signature": sign(currentKey, id, now, data),
		"Ce-Specversion":    "1.0", "Ce-Id": id, "Ce-Source": "/gateways/MGW_000001", "Ce-Type": "io.d1gateway.token.state-change",
		"Ce-Subject": "tok%201", "Ce-Time": "2026-11-22T00:00:00Z", "Ce-Merchantid": "40010000001",
	} {
		r.Header.Set(name, value)
	}
	return r
}

// recording returns a backend and the deliveries it reports.
func recording(t *testing.T, options Options) (*Backend, *[]Delivery) {
	t.Helper()
	var seen []Delivery
	options.OnDelivery = func(d Delivery) { seen = append(seen, d) }
	if options.Secrets == nil {
		options.Secrets = []string{secret(currentKey)}
	}
	backend, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	return backend, &seen
}

func answer(backend http.Handler, r *http.Request) int {
	recorder := httptest.NewRecorder()
	backend.ServeHTTP(recorder, r)
	return recorder.Code
}

func TestASignedEventIsAcceptedOnceAndThenADuplicate(t *testing.T) {
	backend, seen := recording(t, Options{})
	for range 2 {
		if code := answer(backend, delivery("evt_1")); code != http.StatusNoContent {
			t.Fatalf("answered %d, want 204", code)
		}
	}
	if code := answer(backend, delivery("evt_2")); code != http.StatusNoContent {
		t.Fatalf("answered %d, want 204", code)
	}
	if want := (Stats{Accepted: 2, Duplicates: 1}); backend.Stats() != want {
		t.Errorf("stats %+v, want %+v", backend.Stats(), want)
	}
	first, second := (*seen)[0], (*seen)[1]
	if first.Outcome != Accepted || first.Attempt != 1 || second.Outcome != Duplicate || second.Attempt != 2 {
		t.Errorf("reported %+v and %+v", first, second)
	}
	e := first.Event
	if e.ID != "evt_1" || e.Source != "/gateways/MGW_000001" || e.Type != "io.d1gateway.token.state-change" || e.Subject != "tok 1" ||
		!e.Time.Equal(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)) || e.Extensions["merchantid"] != "40010000001" || len(e.Extensions) != 1 {
		t.Errorf("event %+v was not read as sent", e)
	}
	if string(first.Body) != data || first.Path != "/hooks/d1" {
		t.Errorf("body %q on %s", first.Body, first.Path)
	}
}

func TestTheFirstAttemptsOfEachEventCanFail(t *testing.T) {
	backend, seen := recording(t, Options{FailFirst: 2})
	var codes []int
	for _, id := range []string{"a", "a", "b", "a", "a", "b", "b"} {
		codes = append(codes, answer(backend, delivery(id)))
	}
	if want := []int{503, 503, 503, 204, 204, 503, 204}; !slices.Equal(codes, want) {
		t.Errorf("answered %v, want %v", codes, want)
	}
	if want := (Stats{Accepted: 2, Duplicates: 1, Failed: 4}); backend.Stats() != want {
		t.Errorf("stats %+v, want %+v", backend.Stats(), want)
	}
	if d := (*seen)[5]; d.Outcome != Failed || d.Attempt != 2 || d.Event.ID != "b" {
		t.Errorf("the second attempt of b was reported as %+v", d)
	}
}

func TestADelayHoldsTheAnswerBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend, _ := recording(t, Options{Delay: 3 * time.Second})
		start := time.Now()
		answer(backend, delivery("evt"))
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("answered after %s, want 3 s", took)
		}
	})
}

func TestOnlyOneOfManyDeliveriesAtOnceIsAccepted(t *testing.T) {
	backend, seen := recording(t, Options{})
	var senders sync.WaitGroup
	for range 20 {
		senders.Go(func() { answer(backend, delivery("evt")) })
	}
	senders.Wait()
	if want := (Stats{Accepted: 1, Duplicates: 19}); backend.Stats() != want || len(*seen) != 20 {
		t.Errorf("stats %+v with %d reports, want %+v", backend.Stats(), len(*seen), want)
	}
}

func TestStatsAreServedAsJSON(t *testing.T) {
	backend, _ := recording(t, Options{FailFirst: 1})
	answer(backend, delivery("evt"))
	answer(backend, delivery("evt"))
	recorder := httptest.NewRecorder()
	backend.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/stats", nil))
	var got map[string]int
	if err := json.Unmarshal(recorder.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if recorder.Code != http.StatusOK || got["accepted"] != 1 || got["failed"] != 1 || len(got) != 5 {
		t.Errorf("answered %d with %v", recorder.Code, got)
	}
}

func TestOtherRequestsAreTurnedAway(t *testing.T) {
	backend, seen := recording(t, Options{})
	if code := answer(backend, httptest.NewRequest(http.MethodPut, "/hooks/d1", nil)); code != http.StatusMethodNotAllowed {
		t.Errorf("PUT answered with %d, want 405", code)
	}
	large := httptest.NewRequest(http.MethodPost, "/hooks/d1", strings.NewReader(strings.Repeat("x", maxBody+1)))
	if code := answer(backend, large); code != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body answered with %d, want 413", code)
	}
	if len(*seen) != 0 || backend.Stats() != (Stats{}) {
		t.Errorf("stats %+v, want nothing counted", backend.Stats())
	}
}
