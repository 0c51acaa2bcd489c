package cluster

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// lines is a log that tests can read while it is written.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // buffered by one
}

func newLines() *lines { return &lines{more: make(chan struct{}, 1)} }

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(b)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

func (l *lines) await(t *testing.T, text string, n int) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for l.count(text) < n {
		select {
		case <-l.more:
		case <-deadline:
			t.Fatalf("%q is not in the log %d times", text, n)
		}
	}
}

// world is a source that runs over an API server.
type world struct {
	*fixture.World
	t      *testing.T
	server *apiServer
	state  *serving.State
	log    *lines
}

func newWorld(t *testing.T, streams bool) *world {
	t.Helper()
	return &world{World: fixture.New(t), t: t, server: newAPIServer(t, streams), log: newLines()}
}

// everything is the base documents as objects.
func (w *world) putEverything() string {
	w.t.Helper()
	return w.server.put(object(w.t, w.Gateway), object(w.t, w.Secrets), object(w.t, w.Client))
}

// run starts a source, with an empty state, and answers what ends it.
func (w *world) run(change ...func(*Options)) (stop func()) {
	w.t.Helper()
	logger := slog.New(slog.NewTextHandler(w.log, nil))
	w.state = serving.NewState(slog.New(slog.DiscardHandler))
	o := Options{
		Namespace: namespace, State: w.state, Patience: time.Hour, Logger: logger,
		backoff: &wait.Backoff{Duration: 5 * time.Millisecond, Factor: 1},
	}
	for _, c := range change {
		c(&o)
	}
	source, err := New(w.server.config(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() { source.Run(ctx); close(done) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	w.t.Cleanup(stop)
	return stop
}

// await waits until the state is as wanted; it looks after each change of it.
func (w *world) await(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-w.state.Changes():
		case <-deadline:
			w.t.Fatalf("%s; served are %+v", what, w.state.Served())
		}
	}
}

// awaitVersion waits until both resources are in force up to a version.
func (w *world) awaitVersion(version string) {
	w.t.Helper()
	w.await("version "+version+" is not reached", func() bool {
		s := w.state.Served()
		return s.ConfigMaps == version && s.Secrets == version
	})
}

func (w *world) client() *serving.Client { return served(w.state) }

// modes runs a test against an API server that streams lists and one that does not.
func modes(t *testing.T, test func(t *testing.T, w *world)) {
	for name, streams := range map[string]bool{"a list that is streamed": true, "a plain list": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newWorld(t, streams))
		})
	}
}

func TestVersionsSayHowFarTheDocumentsAreInForce(t *testing.T) {
	modes(t, func(t *testing.T, w *world) {
		first := w.putEverything()
		w.run()
		w.awaitVersion(first)
		if w.client() == nil || w.state.Served().Documents != 3 {
			t.Fatalf("served are %+v", w.state.Served())
		}
		w.Client.Suspended = true
		bookmark := w.server.bookmark()
		changed := w.server.put(object(t, w.Client))
		w.await("the version of the change is not reached", func() bool {
			if s := w.state.Served(); s.Secrets == bookmark || s.ConfigMaps == bookmark {
				t.Error("the version moves though no document has")
			}
			return w.state.Served().Secrets == changed
		})
		if s := w.state.Served(); !w.client().Suspended || s.ConfigMaps != first {
			t.Errorf("suspended is %v, served are %+v", w.client().Suspended, s)
		}
		deleted := w.server.delete(object(t, w.Client))
		w.await("the version of the deletion is not reached", func() bool { return w.state.Served().Secrets == deleted })
		if w.client() != nil {
			t.Error("the deleted client is served")
		}
	})
}

func TestAVersionIsReachedAlsoWhenTheDocumentIsRefused(t *testing.T) {
	w := newWorld(t, true)
	w.awaitStart()
	bad := object(t, w.Client)
	setData(bad, []byte("{"))
	version := w.server.put(bad)
	w.await("the version is not reached", func() bool { return w.state.Served().Secrets == version })
	if p := w.state.Served().Problems; len(p) != 1 || p[0].Object != w.Client.ObjectName() || w.client() == nil {
		t.Errorf("problems are %v", p)
	}
}

func TestWhatHappenedWhileTheAPIServerWasAwayIsFollowed(t *testing.T) {
	for name, forgotten := range map[string]bool{"and is still known to the watch": false, "and is known from a list only": true} {
		t.Run(name, func(t *testing.T) {
			modes(t, func(t *testing.T, w *world) {
				w.awaitStart()
				other := *w.Client
				other.Name, other.ClientID = "other", "is_other"
				w.server.setAway(true, "secrets", "configmaps")
				w.log.await(t, "cannot be watched", 2)
				w.server.delete(object(t, w.Client))
				version := w.server.put(object(t, &other))
				if forgotten {
					w.server.compact()
				}
				if w.client() == nil {
					t.Fatal("what was read does not serve on")
				}
				w.server.setAway(false, "secrets", "configmaps")
				w.await("the change is not followed", func() bool {
					return w.client() == nil && w.state.Snapshot().Client("any.example", fixture.TokenPath, "is_other") != nil
				})
				if s := w.state.Served(); s.Secrets < version || s.Documents != 3 {
					t.Errorf("served are %+v, the version of the last change is %s", s, version)
				}
				w.log.await(t, "answers again", 2)
				if n := w.log.count("cannot be watched"); n != 2 {
					t.Errorf("%d lines tell of the outage of two resources", n)
				}
			})
		})
	}
}

func (w *world) awaitStart() {
	w.t.Helper()
	w.putEverything()
	w.run()
	w.await("the source is not read", func() bool { return w.client() != nil })
}

func TestAVersionThatIsGoneIsNoFaultAndListedAnew(t *testing.T) {
	modes(t, func(t *testing.T, w *world) {
		w.awaitStart()
		lists := w.server.listed()
		w.server.change(func() { w.server.compacted, w.server.history = w.server.version+1, nil; w.server.version++ })
		w.Client.Suspended = true
		w.Gateway.Generation++
		configMaps, secrets := w.server.put(object(t, w.Gateway)), w.server.put(object(t, w.Client))
		w.await("it is not listed anew", func() bool {
			s := w.state.Served()
			return s.ConfigMaps >= configMaps && s.Secrets >= secrets && w.client().Suspended
		})
		if w.server.listed() < lists+2 || w.log.count("cannot be watched") != 0 {
			t.Errorf("%d lists after %d; the log tells of %d faults", w.server.listed(), lists, w.log.count("cannot be watched"))
		}
	})
}

func TestADocumentInTheOtherResourceIsPassedOver(t *testing.T) {
	w := newWorld(t, true)
	w.awaitStart()
	w.Client.Suspended = true
	data, err := api.Encode(w.Client)
	if err != nil {
		t.Fatal(err)
	}
	w.Client.Suspended = false
	forged := object(t, w.Gateway)
	rename(forged, w.Client.ObjectName())
	setData(forged, data)
	w.server.put(forged)
	w.server.delete(forged)
	w.Gateway.Generation++
	version := w.server.put(object(t, w.Gateway))
	w.await("what came after the deletion is not reached", func() bool { return w.state.Served().ConfigMaps == version })
	if c := w.client(); c == nil || c.Suspended {
		t.Errorf("the client is %+v", c)
	}
}
