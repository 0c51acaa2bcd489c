package cli_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/d1gateway/d1gateway/webhook-server/cli"
	"github.com/d1gateway/d1gateway/webhook-server/store"
	"github.com/d1gateway/d1gateway/webhook-server/store/sqlite"
)

func TestAStoreThatIsOpenIsBackedUp(t *testing.T) {
	w := serve(t)
	id := w.add(shopLane, store.Outcome{State: store.Dead, Reason: "gone"})
	to := filepath.Join(t.TempDir(), "copy.db")
	w.shows(to, "store", "backup", "--store", "sqlite:"+w.path+"?max-bytes=1", "--to", to)
	copied, err := sqlite.Open(t.Context(), sqlite.Options{Path: to, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = copied.Close() }()
	if r, err := copied.Get(t.Context(), id); err != nil || r.State != store.Dead {
		t.Errorf("%+v %v", r, err)
	}
}

func TestABackupOverwritesNothing(t *testing.T) {
	w := serve(t)
	there := filepath.Join(t.TempDir(), "there")
	if err := os.WriteFile(there, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		says   string
		status int
		args   []string
	}{
		{"already", cli.ExitUsage, []string{"--store", "sqlite:" + w.path, "--to", there}},
		{"pg_dump", cli.ExitUsage, []string{"--store", "postgres://db.example/d1gateway", "--to", there}},
		{"--store", cli.ExitUsage, []string{"--to", there}},
		{"--store", cli.ExitUsage, []string{"--store", "sqlite:", "--to", there}},
		{"--to", cli.ExitUsage, []string{"--store", "sqlite:" + w.path}},
		{"unexpected", cli.ExitUsage, []string{"x", "--store", "sqlite:" + w.path, "--to", there}},
		{"none.db", cli.ExitFailed, []string{"--store", "sqlite:" + filepath.Join(t.TempDir(), "none.db"), "--to", filepath.Join(t.TempDir(), "copy")}},
	} {
		if out, errs, status := w.run(append([]string{"store", "backup"}, c.args...)...); status != c.status || out != "" || !strings.Contains(errs, c.says) {
			t.Errorf("%v: %d %s%s", c.args, status, out, errs)
		}
	}
	if text, err := os.ReadFile(there); err != nil || string(text) != "precious" {
		t.Errorf("%s %v", text, err)
	}
}
