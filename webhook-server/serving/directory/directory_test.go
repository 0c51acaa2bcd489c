package directory_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/internal/fixture"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving/directory"
)

func write(t *testing.T, dir string, d api.Document) string {
	t.Helper()
	data, err := api.Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, d.Head().ObjectName()+".json")
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	return path
}

// open writes the base documents and reads them.
func open(t *testing.T) (dir string, w *fixture.World, state *serving.State, source *directory.Source) {
	t.Helper()
	dir, w = t.TempDir(), fixture.New(t)
	for _, d := range []api.Document{w.Gateway, w.Secrets, w.Client} {
		write(t, dir, d)
	}
	state = serving.NewState(slog.New(slog.DiscardHandler))
	source, err := directory.New(dir, state, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return dir, w, state, source
}

func read(t *testing.T, s *directory.Source) {
	t.Helper()
	if err := s.Read(); err != nil {
		t.Fatal(err)
	}
}

func client(state *serving.State) *serving.Client {
	c := state.Snapshot().Client("any.example", fixture.TokenPath, fixture.ClientID)
	return c
}

func TestTheDirectoryIsReadAtStart(t *testing.T) {
	_, _, state, _ := open(t)
	if !state.Synced() || client(state) == nil {
		t.Error("its documents are not served")
	}
}

func TestAMissingDirectoryIsAnErrorAtStart(t *testing.T) {
	state := serving.NewState(slog.New(slog.DiscardHandler))
	if _, err := directory.New(filepath.Join(t.TempDir(), "none"), state, slog.New(slog.DiscardHandler)); err == nil || state.Synced() {
		t.Error("it was taken as an empty one")
	}
}

func TestAChangedFileIsSeenAlsoWhenItsSizeIsTheSame(t *testing.T) {
	dir, w, state, source := open(t)
	w.Client.Credentials[0].Digest = api.DigestSecret("another")
	write(t, dir, w.Client)
	read(t, source)
	if client(state).Credentials[0].Digest != api.DigestSecret("another") {
		t.Error("it was not seen")
	}
}

func TestARemovedFileIsNoLongerServed(t *testing.T) {
	dir, w, state, source := open(t)
	if err := os.Remove(filepath.Join(dir, w.Client.ObjectName()+".json")); err != nil {
		t.Fatal(err)
	}
	read(t, source)
	if client(state) != nil {
		t.Error("it is served")
	}
}

func TestAHalfWrittenFileChangesNothingUntilItIsWhole(t *testing.T) {
	dir, w, state, source := open(t)
	w.Client.Scopes = []string{"other"}
	path := write(t, dir, w.Client)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, whole[:len(whole)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	read(t, source)
	if client(state).Scopes[0] != api.NotifyScope || len(state.Problems()) != 1 {
		t.Error("the half was taken, or not reported")
	}
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	read(t, source)
	if client(state).Scopes[0] != "other" || len(state.Problems()) != 0 {
		t.Error("the whole was not taken")
	}
}

func TestADirectoryThatGoesAwayServesOn(t *testing.T) {
	dir, _, state, source := open(t)
	if err := os.Rename(dir, dir+"-moved"); err != nil {
		t.Fatal(err)
	}
	if source.Read() == nil {
		t.Error("no error")
	}
	if client(state) == nil {
		t.Error("what was read is not served any more")
	}
	if err := os.Rename(dir+"-moved", dir); err != nil {
		t.Fatal(err)
	}
	read(t, source)
}

func TestRunSeesAChangeWithinFiveSeconds(t *testing.T) {
	dir, w, state, source := open(t)
	done := make(chan struct{})
	go func() { source.Run(t.Context()); close(done) }()
	t.Cleanup(func() { <-done })
	w.Client.Suspended = true
	write(t, dir, w.Client)
	deadline := time.After(5 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !client(state).Suspended {
		select {
		case <-deadline:
			t.Fatal("it did not")
		case <-tick.C:
		}
	}
}

func TestOtherFilesAreNotLookedAt(t *testing.T) {
	dir, _, state, source := open(t)
	for _, name := range []string{"README.md", ".hidden.json", "client.payments.x.json.new"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "secrets.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	read(t, source)
	if p := state.Problems(); len(p) != 0 {
		t.Errorf("problems are %v", p)
	}
}

func TestAFileThatCannotBeReadIsAProblemUntilItCan(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"too large": func(path string) error { return os.Truncate(path, api.MaxDocumentBytes+1) },
		"a dangling link": func(path string) error {
			return errors.Join(os.Remove(path), os.Symlink(path+".nowhere", path))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, w, state, source := open(t)
			path := filepath.Join(dir, w.Client.ObjectName()+".json")
			if err := damage(path); err != nil {
				t.Fatal(err)
			}
			read(t, source)
			read(t, source)
			if p := state.Problems(); len(p) != 1 || p[0].Object != w.Client.ObjectName() || !p[0].Replaced {
				t.Errorf("problems are %+v", p)
			}
			if client(state) == nil {
				t.Error("the last good document does not serve on")
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			write(t, dir, w.Client)
			read(t, source)
			if p := state.Problems(); len(p) != 0 {
				t.Errorf("problems are %+v", p)
			}
		})
	}
}
