package system

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/app"
)

func TestASecondReplicaWithAnEmbeddedStoreOfItsOwnIsRefused(t *testing.T) {
	s := newSystem(t, 0)
	s.store = "sqlite:" + filepath.Join(t.TempDir(), "store.db")
	first := s.startServer(t, "webhook-server-0")

	options := s.options("webhook-server-1")
	options.Store = "sqlite:" + filepath.Join(t.TempDir(), "store.db")
	_, err := app.New(t.Context(), options)
	if err == nil || !strings.Contains(err.Error(), "webhook-server-0") || !strings.Contains(err.Error(), "postgres://") {
		t.Fatalf("a second one with a file of its own: %v", err)
	}
	s.stop(t, first, "webhook-server-0")
	second, err := app.New(t.Context(), options)
	if err != nil {
		t.Fatalf("once the first has stopped: %v", err)
	}
	second.Start()
	s.stop(t, second, "webhook-server-1")
}
