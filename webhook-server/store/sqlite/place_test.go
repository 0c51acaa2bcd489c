package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestAFileThatWasRemovedReplacedOrMovedIsNotWrittenTo(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	for name, spoil := range map[string]func(path string) error{
		"removed": os.Remove,
		"moved":   func(path string) error { return os.Rename(path, path+".bak") },
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".bak"), os.WriteFile(path, nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			p, err := newPlace(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.check(at(10)); err != nil {
				t.Fatal(err)
			}
			if err := spoil(path); err != nil {
				t.Fatal(err)
			}
			if err := p.check(at(11)); !errors.Is(err, errMoved) {
				t.Errorf("got %v", err)
			}
		})
	}
}
