package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// newLoad sends a short form to a handler.
func newLoad(t *testing.T, handler http.HandlerFunc) load {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	request := []byte("POST /here HTTP/1.1\r\nHost: " + address + "\r\nContent-Length: 3\r\n\r\na=b")
	return load{
		address: address, connections: 4, requests: func(int) func() []byte { return func() []byte { return request } },
		status: http.StatusOK, window: 100 * time.Millisecond, cpu: ownCPU,
	}
}

func TestLoadCountsWhatTheServerAnswered(t *testing.T) {
	var served, wrong atomic.Int64
	l := newLoad(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != "a=b" || r.URL.Path != "/here" || r.Method != http.MethodPost {
			wrong.Add(1)
		}
		served.Add(1)
		_, _ = w.Write([]byte(`{"answer":"of some length"}`))
	})
	s, err := l.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if wrong.Load() > 0 {
		t.Errorf("%d requests were not as they were meant", wrong.Load())
	}
	// What the warm-up did and what was under way at the end are served but not counted.
	if s.done == 0 || int64(s.done) >= served.Load() {
		t.Errorf("counted %d of %d that were served", s.done, served.Load())
	}
	if s.elapsed < l.window || s.cpu <= 0 {
		t.Errorf("the window lasted %v with %v of CPU time", s.elapsed, s.cpu)
	}
}

func TestLoadReadsAnswersWithoutABody(t *testing.T) {
	l := newLoad(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	l.status = http.StatusNoContent
	if s, err := l.run(t.Context()); err != nil || s.done == 0 {
		t.Errorf("got %+v and %v", s, err)
	}
}

func TestLoadEndsWithAnErrorAtAWrongStatus(t *testing.T) {
	var served atomic.Int64
	l := newLoad(t, func(w http.ResponseWriter, _ *http.Request) {
		if served.Add(1) == 100 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	l.window = time.Hour
	if _, err := l.run(t.Context()); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("got %v", err)
	}
}

func TestLoadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := newLoad(t, func(http.ResponseWriter, *http.Request) { cancel() })
	l.window = time.Hour
	if _, err := l.run(ctx); err == nil {
		t.Error("a load that was cut short answered a sample")
	}
}

func TestLoadSaysThatNobodyListens(t *testing.T) {
	l := newLoad(t, func(http.ResponseWriter, *http.Request) {})
	closed := httptest.NewServer(nil)
	l.address = closed.Listener.Addr().String()
	closed.Close()
	if _, err := l.run(t.Context()); err == nil {
		t.Error("there was no error")
	}
}
