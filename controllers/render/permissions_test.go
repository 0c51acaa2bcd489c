package render

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOnlyTheOwnerCanReadWhatIsWritten(t *testing.T) {
	p := newPlaces(t, gatewayManifest, generatedManifest)
	p.must(exitReady, start)
	err := filepath.WalkDir(p.out, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatOthersCanReadIsTakenFromThem(t *testing.T) {
	p := newPlaces(t, gatewayManifest, generatedManifest)
	if err := os.Mkdir(p.out, 0o700); err != nil {
		t.Fatal(err)
	}
	chmod := func(path string, mode fs.FileMode) {
		t.Helper()
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	chmod(p.out, 0o755)
	p.must(exitReady, start)
	before := p.files()
	for path := range before {
		chmod(filepath.Join(p.out, path), 0o644)
	}
	chmod(filepath.Join(p.out, "secrets"), 0o755)
	chmod(filepath.Join(p.out, "client.default.generated.json"), 0o400)
	// The gateway is not valid now, so its documents are kept and not written.
	p.write("all.yaml", strings.Replace(gatewayManifest, "delivery: {", "delivery: {signing: {secretRef: {name: nowhere}}, ", 1), generatedManifest)
	p.must(exitNotReady, start)
	if !maps.Equal(p.files(), before) {
		t.Error("the content was changed too")
	}
	for path, want := range map[string]fs.FileMode{
		"": 0o755, "secrets": 0o700, "secrets/default.made-here.yaml": 0o600, "client.default.generated.json": 0o400,
		"gateway.default.acme.json": 0o600, "gateway-secrets.default.acme.json": 0o600, "secrets/default.acme-delivery-signing.yaml": 0o600,
	} {
		info, err := os.Stat(filepath.Join(p.out, path))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%q has mode %v, want %v", path, got, want)
		}
	}
}
