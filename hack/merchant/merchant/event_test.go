package merchant

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestASignedDeliveryThatIsNoCloudEventIsInvalid(t *testing.T) {
	for name, spoil := range map[string]func(http.Header){
		"no version":              func(h http.Header) { h.Del("Ce-Specversion") },
		"another version":         func(h http.Header) { h.Set("Ce-Specversion", "0.3") },
		"no id":                   func(h http.Header) { h.Del("Ce-Id") },
		"an id other than signed": func(h http.Header) { h.Set("Ce-Id", "evt_other") },
		"no source":               func(h http.Header) { h.Del("Ce-Source") },
		"a source that is no URI": func(h http.Header) { h.Set("Ce-Source", "%3A//%2525zz:[") },
		"no type":                 func(h http.Header) { h.Del("Ce-Type") },
		"a time in words":         func(h http.Header) { h.Set("Ce-Time", "today") },
		"an attribute twice":      func(h http.Header) { h.Add("Ce-Source", "/another") },
		"a name with a dash":      func(h http.Header) { h.Set("Ce-Merchant-Id", "m") },
		"broken percent encoding": func(h http.Header) { h.Set("Ce-Subject", "100%") },
		"data without a type":     func(h http.Header) { h.Del("Content-Type") },
		"structured mode":         func(h http.Header) { h.Set("Content-Type", "application/cloudevents+json") },
	} {
		t.Run(name, func(t *testing.T) {
			backend, seen := recording(t, Options{})
			r := delivery("evt")
			spoil(r.Header)
			if code := answer(backend, r); code != http.StatusBadRequest {
				t.Errorf("answered %d, want 400", code)
			}
			if want := (Stats{Invalid: 1}); backend.Stats() != want || (*seen)[0].Err == nil {
				t.Errorf("stats %+v, want %+v and an error", backend.Stats(), want)
			}
			if code := answer(backend, delivery("evt")); code != http.StatusNoContent || backend.Stats().Accepted != 1 {
				t.Errorf("the same event, made right, was answered with %d", code)
			}
		})
	}
}

func TestDataHasToBeWhatItsTypeSays(t *testing.T) {
	backend, _ := recording(t, Options{})
	send := func(contentType, body string) int {
		r := delivery("evt")
		now := time.Now()
		r = r.Clone(t.Context())
		r.Body = http.NoBody
		if body != "" {
			r.Body = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)).Body
		}
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Webhook-Timestamp", fmt.Sprint(now.Unix()))
		setSignature(r, sign(currentKey, "evt", now, body))
		return answer(backend, r)
	}
	got := []int{send("application/json", "{"), send("text/plain", "{"), send("", "")}
	if want := []int{400, 204, 204}; !slices.Equal(got, want) {
		t.Errorf("broken JSON, text and no data answered with %v, want %v", got, want)
	}
}

func FuzzParseEvent(f *testing.F) {
	f.Add("evt", "/source", "type", "2026-11-22T00:00:00Z", "application/json", data)
	f.Add("%41", "%zz", "", "x", "text/plain; a", "{")
	f.Fuzz(func(t *testing.T, id, source, kind, at, contentType, body string) {
		header := http.Header{
			"Webhook-Id": {id}, "Ce-Id": {id}, "Ce-Specversion": {"1.0"}, "Ce-Source": {source},
			"Ce-Type": {kind}, "Ce-Time": {at}, "Content-Type": {contentType},
		}
		event, err := parseEvent(header, []byte(body))
		if err == nil && (event.ID == "" || event.ID != id || event.Source == "" || event.Type == "") {
			t.Errorf("%+v was accepted", event)
		}
	})
}
