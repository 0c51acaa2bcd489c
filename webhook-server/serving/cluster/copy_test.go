package cluster

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving/lastgood"
)

// copyIn keeps the copy in a directory, and serves it at once when the API server is away.
func (w *world) copyIn(path string) func(*Options) {
	return func(o *Options) {
		var err error
		if o.Copy, err = lastgood.Open(path, slog.New(slog.NewTextHandler(w.log, nil))); err != nil {
			w.t.Fatal(err)
		}
		o.Patience = 1
	}
}

var both = []string{"secrets", "configmaps"}

// copied runs over an API server until everything is copied, ends, and takes the API server away.
func copied(t *testing.T) (w *world, dir string) {
	t.Helper()
	w, dir = newWorld(t, true), filepath.Join(t.TempDir(), "copy")
	version := w.putEverything()
	stop := w.run(w.copyIn(dir))
	w.awaitVersion(version)
	stop()
	w.server.setAway(true, both...)
	return w, dir
}

func (w *world) awaitStale(want bool) {
	w.t.Helper()
	w.await("it does not become stale, or fresh", func() bool { return w.state.Stale() == want })
	<-w.state.WaitSynced()
}

func TestAStartWithoutTheAPIServerServesTheCopyUntilItAnswers(t *testing.T) {
	w, dir := copied(t)
	stop := w.run(w.copyIn(dir))
	w.awaitStale(true)
	if w.client() == nil || !w.state.Synced() {
		t.Fatalf("the copy is not served: %+v", w.state.Served())
	}
	if s := w.state.Served(); s.Secrets != "" || s.ConfigMaps != "" {
		t.Errorf("versions %+v are claimed of a copy", s)
	}
	if !w.state.Snapshot().Incomplete() {
		t.Error("D1 is told that what the copy has not does not exist")
	}
	w.server.delete(object(t, w.Client))
	w.Gateway.StrictUpdateTypes = true
	version := w.server.put(object(t, w.Gateway))
	w.server.setAway(false, both...)
	w.awaitVersion(version)
	if w.client() != nil || w.state.Stale() || w.state.Snapshot().Incomplete() {
		t.Errorf("client %v, stale %v, incomplete %v", w.client(), w.state.Stale(), w.state.Snapshot().Incomplete())
	}
	if !w.state.Snapshot().Gateway("h", fixture.GatewayID).StrictUpdateTypes {
		t.Error("the gateway of the copy is served")
	}
	stop()

	w.server.setAway(true, both...)
	w.run(w.copyIn(dir))
	w.awaitStale(true)
	if s := w.state.Served(); s.Documents != 2 || w.client() != nil || !w.state.Snapshot().Gateway("h", fixture.GatewayID).StrictUpdateTypes {
		t.Errorf("the copy did not follow: %+v", s)
	}
}

func TestWithoutACopyAServerWaitsForTheAPIServer(t *testing.T) {
	w := newWorld(t, true)
	w.putEverything()
	w.server.setAway(true, both...)
	w.run(w.copyIn(t.TempDir() + "/new"))
	w.log.await(t, "there is no copy", 1)
	if w.state.Synced() || w.state.Stale() {
		t.Errorf("synced %v, stale %v", w.state.Synced(), w.state.Stale())
	}
	w.server.setAway(false, both...)
	<-w.state.WaitSynced()
	if w.client() == nil {
		t.Error("it is not served")
	}
}

func TestTheCopyKeepsWhatIsServedInPlaceOfARefusedDocument(t *testing.T) {
	w, dir := copied(t)
	w.server.setAway(false, both...)
	stop := w.run(w.copyIn(dir))
	w.await("the client is not served", func() bool { return w.client() != nil && !w.state.Stale() })
	bad := object(t, w.Client)
	setData(bad, []byte("{"))
	version := w.server.put(bad)
	w.await("it is not refused", func() bool { return w.state.Served().Secrets == version })
	stop()
	w.server.setAway(true, both...)
	w.run(w.copyIn(dir))
	w.awaitStale(true)
	if w.client() == nil {
		t.Errorf("the last good one is not served: %+v", w.state.Served())
	}
}

func TestADocumentIsCopiedOnceItIsAccepted(t *testing.T) {
	w, dir := newWorld(t, true), filepath.Join(t.TempDir(), "copy")
	w.server.put(object(t, w.Gateway), object(t, w.Client))
	stop := w.run(w.copyIn(dir))
	w.await("the gateway does not wait for its secrets", func() bool { return len(w.state.Served().Problems) == 1 })
	w.server.put(object(t, w.Secrets))
	w.await("the gateway is not accepted", func() bool { return len(w.state.Served().Problems) == 0 })
	stop()
	w.server.setAway(true, both...)
	w.run(w.copyIn(dir))
	w.awaitStale(true)
	if w.client() == nil {
		t.Errorf("served are %+v", w.state.Served())
	}
}
